"""What a service answered, for the model: bounded, marked as its words, without our secrets."""

from collections.abc import Sequence
from typing import Any, Final

import orjson

from app.agents.tools.tool import Outcome, ToolFault
from app.agents.tools.web.calling import fault_of
from app.agents.tools.web.client import Reply
from app.agents.tools.web.reading import is_text, text_of
from app.agents.tools.web.untrusted import masked, untrusted, visible

FAULT_CHARACTERS: Final = 1_000
# What the marks and the status take.
_AROUND: Final = 600
_MISSING: Final = object()


def outcome_of(
    reply: Reply,
    secrets: Sequence[str],
    key: str,
    characters: int,
    *,
    pointer: str = "",
) -> Outcome:
    """What a reply says, of JSON what the pointer (RFC 6901) names; raises ToolFault.

    It has at most `characters`.
    """
    said = _text(reply, secrets)
    host = reply.url.raw_host or ""
    if reply.status >= 300:
        told = untrusted(said[:FAULT_CHARACTERS], source=host, key=key) if said else ""
        fault = fault_of(reply, told)
        assert fault is not None  # noqa: S101 - for the type checker
        raise fault
    data, text = _taken(reply, said, pointer)
    most = characters - _AROUND
    cut = len(text) > most or reply.cut
    note = f"\n(The first {min(len(text), most)} characters; there is more.)" if cut else ""
    shown = untrusted(text[:most] or "(empty)", source=host, key=key)
    return Outcome(
        f"Status {reply.status}.\n{shown}{note}",
        {"status": reply.status, "cut": cut, "untrusted": True, **data(most)},
    )


def _text(reply: Reply, secrets: Sequence[str]) -> str:
    if not reply.body:
        return ""
    if reply.media_type and not is_text(reply.media_type):
        if reply.status >= 300:
            return ""
        raise ToolFault(
            "not_text", f"{reply.url.raw_host} answered with {reply.media_type[:80]}, not text."
        )
    return visible(masked(text_of(reply), secrets))


def _taken(reply: Reply, said: str, pointer: str) -> tuple[Any, str]:
    """The answer as data (bounded) and as text."""
    value: Any = _MISSING
    if not reply.cut and ("json" in reply.media_type or pointer):
        try:
            value = orjson.loads(said)
        except orjson.JSONDecodeError:
            value = _MISSING
    if pointer:
        value = resolve(value, pointer)
        if value is _MISSING:
            host = reply.url.raw_host
            raise ToolFault("bad_answer", f"{host} answered without `{pointer}`.")
        said = value if isinstance(value, str) else orjson.dumps(value).decode()

    def bounded(most: int) -> dict[str, Any]:
        if value is _MISSING or len(said) > most:
            return {"text": said[:most]}
        return {"value": value}

    return bounded, said


def resolve(value: Any, pointer: str) -> Any:
    """What an RFC 6901 pointer names; a sentinel where there is nothing."""
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and name in value:
            value = value[name]
        elif isinstance(value, list) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        else:
            return _MISSING
    return value
