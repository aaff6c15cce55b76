"""What an answer tells of its usage, and of an error, read without parsing all of it."""

import re
from json import JSONDecoder
from typing import Any, Final

import orjson

from app.inference.providers.codec import InBandError, tokens
from app.inference.providers.types import Usage

# How much of an answer is looked at, at its beginning and at its end.
LOOKED_AT: Final = 64 * 1024
MARK: Final = b'"usage"'
DECODER: Final = JSONDecoder()
# Whisper's `duration`, and the `usage` of what is paid by the minute.
DURATION: Final = re.compile(
    rb'(?:"duration"|"type"\s*:\s*"duration"\s*,\s*"seconds")\s*:\s*"?([0-9]{1,9}(?:\.[0-9]{1,9})?)'
)
MOST_MILLISECONDS: Final = 2**31 - 1


def usage_in(answer: bytes) -> Usage | None:
    """The last usage that stands in an answer, or in the end of a stream of events.

    Pictures and vectors are megabytes, and the usage stands before or behind them.
    """
    for looked_at in (answer[-LOOKED_AT:], answer[:LOOKED_AT]):
        at = looked_at.rfind(MARK)
        while at >= 0:
            usage = usage_of(object_after(looked_at[at + len(MARK) :]))
            if usage is not None:
                return usage
            at = looked_at.rfind(MARK, 0, at)
    return None


def object_after(text: bytes) -> Any:
    """The JSON value behind a key, whatever stands behind it."""
    try:
        value, _ = DECODER.raw_decode(text.decode("utf-8", "replace").lstrip(" \t\r\n:"))
    except ValueError:
        return None
    return value


def usage_of(told: Any) -> Usage | None:
    """Tokens; None for seconds of sound and for what is no usage."""
    if not isinstance(told, dict) or not ("prompt_tokens" in told or "input_tokens" in told):
        return None
    given = details_in(told, "input_tokens_details", "input_token_details", "prompt_tokens_details")
    kept = details_in(given, "cached_tokens_details")
    made = details_in(told, "output_tokens_details", "completion_tokens_details")
    output = tokens(told.get("completion_tokens") or told.get("output_tokens"))
    heard, seen = tokens(kept.get("audio_tokens")), tokens(kept.get("image_tokens"))
    # A picture's stream tells of its output no more than how much it is.
    drawn = output if "image_tokens" in given and not made else tokens(made.get("image_tokens"))
    return Usage(
        input_tokens=tokens(told.get("prompt_tokens") or told.get("input_tokens")),
        output_tokens=output,
        cached_input_tokens=tokens(given.get("cached_tokens")),
        audio_input_tokens=max(0, tokens(given.get("audio_tokens")) - heard),
        image_input_tokens=max(0, tokens(given.get("image_tokens")) - seen),
        cached_audio_tokens=heard,
        cached_image_tokens=seen,
        audio_output_tokens=tokens(made.get("audio_tokens")),
        image_output_tokens=drawn,
    )


def details_in(told: dict[str, Any], *names: str) -> dict[str, Any]:
    found = next((told[name] for name in names if told.get(name)), None)
    return found if isinstance(found, dict) else {}


def milliseconds_in(answer: bytes) -> int | None:
    """How long the recording was, where a transcript tells it."""
    for looked_at in (answer[-LOOKED_AT:], answer[:LOOKED_AT]):
        for found in DURATION.finditer(looked_at):
            if seconds := float(found[1]):
                return min(round(seconds * 1000), MOST_MILLISECONDS)
    return None


def error_in(answer: bytes) -> InBandError | None:
    """The error that an answer of status 200 is."""
    if len(answer) > LOOKED_AT or answer.lstrip()[:1] != b"{" or b'"error"' not in answer:
        return None
    try:
        document = orjson.loads(answer)
    except ValueError:
        return None
    return InBandError(document) if document.get("error") else None
