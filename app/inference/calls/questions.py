"""What routing is told of a request in a client's dialect."""

import re
from functools import partial
from hashlib import blake2b
from typing import Any, Final

import orjson

from app.inference.dialects.ask import Ask
from app.inference.dialects.extras import extras_of
from app.inference.routing.plan import Question

# What a request needs, by the JSON strings that say so in any dialect.
NEEDS: Final = {
    b"image_url": "vision",
    b"input_image": "vision",
    b"image": "vision",
    b"inlineData": "vision",
    b"inline_data": "vision",
    b"file": "files",
    b"input_file": "files",
    b"document": "files",
    b"input_audio": "audio",
    b"tools": "tools",
    b"json_schema": "structured_output",
    b"responseSchema": "structured_output",
    b"responseJsonSchema": "structured_output",
}
# One search for all of them goes from quote to quote; one for each reads every byte, each time.
MARK: Final = re.compile(b'"(%b)"' % b"|".join(NEEDS))
NOTHING: Final[frozenset[str]] = frozenset()
TURNS: Final = ("messages", "input", "contents")
MOST_CHARACTERS: Final = 4000
OPENING_TURNS: Final = 2


def question_of(ask: Ask, dialect: str, route: str | None) -> Question:
    """The question; where a client names one model outright, nobody reads into its request."""
    model = ask.model
    if route is None and "/" in model:
        return Question(
            model,
            ask.estimated_tokens,
            ask.max_output_tokens,
            dialect=dialect,
            route=route,
            service_tier=ask.service_tier,
            answers=ask.answers,
            extras=partial(extras_of, ask),
        )
    return Question(
        model,
        ask.estimated_tokens,
        ask.max_output_tokens,
        needs=needs_of(ask.body),
        dialect=dialect,
        route=route,
        service_tier=ask.service_tier,
        answers=ask.answers,
        extras=partial(extras_of, ask),
        reading=partial(read_turns, ask),
    )


def read_turns(ask: Ask) -> tuple[str | None, str]:
    """What its conversation is recognised by, and what it is about."""
    return named_of(ask) or opening_of(ask), newest_text(ask)


def needs_of(body: bytes) -> frozenset[str]:
    """The abilities that a request asks of a model."""
    marks = MARK.findall(body)
    return frozenset([NEEDS[mark] for mark in marks]) if marks else NOTHING


def turns_of(ask: Ask) -> list[Any]:
    for name in TURNS:
        found = ask.document.get(name)
        if isinstance(found, list):
            return found
        if isinstance(found, str):
            return [found]
    return []


def named_of(ask: Ask) -> str | None:
    """A digest of what the client itself has named the requests by that share a prompt."""
    key = ask.document.get("prompt_cache_key")
    return digest_of(key.encode()) if isinstance(key, str) and key else None


def opening_of(ask: Ask) -> str | None:
    """A digest of how the prompt begins: the turns of one conversation have it in common."""
    turns = turns_of(ask)[:OPENING_TURNS]
    return digest_of(orjson.dumps(turns)) if turns else None


def digest_of(written: bytes) -> str:
    return blake2b(written, digest_size=16).hexdigest()


def newest_text(ask: Ask) -> str:
    """The text of the newest turn, cut to what tells its kind."""
    turns = turns_of(ask)
    return _text(turns[-1])[:MOST_CHARACTERS] if turns else ""


def _text(turn: Any) -> str:
    if isinstance(turn, str):
        return turn
    if isinstance(turn, list):
        return "\n".join(filter(None, map(_text, turn)))
    if isinstance(turn, dict):
        found = turn.get("content") or turn.get("parts") or turn.get("text")
        return _text(found) if isinstance(found, str | list) else ""
    return ""
