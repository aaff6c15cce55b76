"""What a call may come to at most where its request leaves it open."""

from typing import Final

from app.inference.gate.call import Load
from app.inference.routing.plan import Candidate
from app.inference.usage.extras import NOTHING, Extras

# What an answer may be as long as where neither the request nor anybody else says.
LONGEST_ANSWER: Final = 16_384
SHORTEST_ANSWER: Final = 256
# A picture is no more than this to any provider but for OpenAI's first small model with eyes.
PICTURE_TOKENS: Final = 10_000
DEAR_PICTURES: Final = ("gpt-4o-mini", 50_000)
# A file is at least so many, and one for each of its bytes.
FILE_TOKENS: Final = 10_000
# What is taken for a window that nobody knows.
USUAL_WINDOW: Final = 1_000_000


def longest_of(candidate: Candidate, load: Load) -> int:
    """Tokens of the longest answer to a request that names none, by this candidate.

    What its route says, else 16,384 if it writes and has room for as many.
    """
    given = candidate.parameters.get("max_output_tokens")
    if isinstance(given, int):
        return given
    most = min(LONGEST_ANSWER, candidate.longest or LONGEST_ANSWER)
    if candidate.window is None:
        return most
    room = candidate.window - load.input_tokens - load.input_tokens // 4
    return min(most, max(room, SHORTEST_ANSWER))


def most_beyond(candidate: Candidate, extras: Extras) -> int:
    """Tokens of input beside the text, no more than the candidate reads."""
    if extras is NOTHING:
        return 0
    dear, tokens = DEAR_PICTURES
    pictures = extras.pictures * (tokens if dear in candidate.target.model else PICTURE_TOKENS)
    window = candidate.window or USUAL_WINDOW
    files = extras.files * FILE_TOKENS + extras.file_bytes
    return min(pictures + files + extras.boundless * window, window)
