"""What routing is told of a request in a client's dialect."""

from functools import partial
from hashlib import blake2b
from typing import Any, Final

import orjson

from app.inference.dialects.ask import Ask
from app.inference.dialects.extras import extras_of
from app.inference.routing.plan import Question

# What bytes of a request say that it needs, in any dialect.
MARKS: Final = (
    ("vision", (b'"image_url"', b'"input_image"', b'"image"', b'"inlineData"', b'"inline_data"')),
    ("files", (b'"file"', b'"input_file"', b'"document"')),
    ("audio", (b'"input_audio"',)),
    ("tools", (b'"tools"',)),
    ("structured_output", (b'"json_schema"', b'"responseSchema"', b'"responseJsonSchema"')),
)
NEEDS: Final = tuple((mark, need) for need, marks in MARKS for mark in marks)
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
    needs = [need for mark, need in NEEDS if mark in body]
    return frozenset(needs) if needs else NOTHING


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
