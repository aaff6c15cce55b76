"""One event of a run's log, and the bytes it is on every wire forever."""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from app.core.clock import now
from app.runs.events.errors import EventIdInvalid

TERMINAL = frozenset({"run.completed", "run.failed", "run.cancelled"})
MAX_SEQ = 2**31 - 1

_EVENT_ID = re.compile(r"([0-9a-fA-F-]{32,36}):([0-9]{1,10})")


class EventId(NamedTuple):
    """A position in a log: everything up to and including `seq` has been seen."""

    run_id: UUID
    seq: int


class Event:
    """An event; `raw` is its JSON, made once by the run's owner and never made again."""

    __slots__ = ("_body", "raw", "seq", "type")

    def __init__(self, seq: int, type: str, raw: bytes) -> None:  # noqa: A002
        self.seq = seq
        self.type = type
        self.raw = raw
        self._body: dict[str, Any] | None = None

    @property
    def body(self) -> dict[str, Any]:
        if self._body is None:
            self._body = orjson.loads(self.raw)
        return self._body

    @property
    def terminal(self) -> bool:
        return self.type in TERMINAL


def encode(run_id: str, seq: int, kind: str, fields: dict[str, Any]) -> Event:
    """A new event; a value that JSON cannot hold is written as its text."""
    body = {"type": kind, "seq": seq, "run_id": run_id, "at": now(), **fields}
    try:
        raw = orjson.dumps(body, _plain, orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS)
    except TypeError:
        raw = orjson.dumps(_mended(body), _plain, orjson.OPT_UTC_Z)
    return Event(seq, kind, raw)


def frames(run_id: UUID, events: Sequence[Event]) -> bytes:
    """The events as server-sent events, in one block."""
    name = str(run_id)
    return b"".join(
        [
            f"id: {name}:{event.seq}\nevent: {event.type}\ndata: ".encode() + event.raw + b"\n\n"
            for event in events
        ]
    )


def parse_event_id(text: str) -> EventId:
    """`<run_id>:<seq>`; raises EventIdInvalid."""
    match = _EVENT_ID.fullmatch(text.strip())
    try:
        if match and int(match[2]) <= MAX_SEQ:
            return EventId(UUID(match[1]), int(match[2]))
    except ValueError:
        pass
    raise EventIdInvalid("An event id is `<run_id>:<seq>`, as the stream's `id:` lines are.")


def _plain(value: Any) -> str:
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)


def _mended(value: Any) -> Any:
    """The value without what orjson refuses: lone surrogates and integers beyond 64 bits."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_mended(str(key)): _mended(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_mended(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 63:
        return str(value)
    return value
