"""What every dialect remembers of a log while it is told event by event."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final, NamedTuple, Protocol
from uuid import UUID

import orjson

from app.runs.events.event import Event

Body = Mapping[str, Any]
ENVELOPE: Final = frozenset({"type", "seq", "run_id", "at"})


class Dialect(Protocol):
    """Tells a log in the words of one protocol; fed with all of its events from the first on."""

    @property
    def headers(self) -> Mapping[str, str]:
        """What the response bears besides its content type."""
        ...

    def feed(self, event: Event) -> bytes:
        """An event as server-sent events; the last of them bears the event's id."""
        ...

    def rest(self) -> bytes:
        """What ends the stream of a run that waits."""
        ...


class Voice(NamedTuple):
    """Whose a message is: the path of its agent (empty for who was asked) and its slug."""

    path: str = ""
    agent: str | None = None
    label: str | None = None


ROOT: Final = Voice()


class Encoder:
    """The part that dialects share: who speaks, which calls are known, what has been put down."""

    headers: ClassVar[Mapping[str, str]] = {}

    def __init__(self, run_id: UUID) -> None:
        self._run = str(run_id)
        self._voices: dict[str, Voice] = {}
        self._last = ROOT
        self._said = False
        self._calls: set[str] = set()
        self._asked: dict[str, Body] = {}
        self._waits: dict[str, str] = {}
        self._seen: set[str] = set()
        self._paused = False
        self._parts: list[bytes] = []

    def feed(self, event: Event) -> bytes:
        body = event.body
        if self._paused and event.type != "run.paused":
            self._paused = False
            self._go_on(body)
        tell = self._telling.get(event.type)
        if tell is None:
            self._other(body)
        else:
            tell(self, body)
        return self._taken(f"id: {self._run}:{event.seq}\n".encode())

    def rest(self) -> bytes:
        return b""

    _telling: ClassVar[Mapping[str, Callable[[Any, Body], None]]] = {}

    def _go_on(self, body: Body) -> None:
        """The run waited, and goes on with this event."""

    def _other(self, body: Body) -> None:
        """An event that the protocol has no word for."""
        raise NotImplementedError

    def _put(self, part: Mapping[str, Any]) -> None:
        self._parts.append(orjson.dumps(part))

    def _taken(self, mark: bytes) -> bytes:
        parts, self._parts = self._parts, []
        if not parts:
            return b""
        before = b"".join([b"data: " + part + b"\n\n" for part in parts[:-1]])
        return before + mark + b"data: " + parts[-1] + b"\n\n"

    def _meet(self, body: Body) -> Voice:
        """Whose message begins."""
        voice = Voice(body.get("path") or "", body.get("agent"), body.get("label"))
        self._voices[body["message_id"]] = self._last = voice
        self._said = False
        return voice

    def _heard(self, body: Body) -> Voice:
        """Whose words these are."""
        voice = self._voices.get(body["message_id"], ROOT)
        if body["type"] == "text.delta":
            self._last, self._said = voice, True
        return voice

    def _untold(self, body: Body) -> str:
        """The text of the result where who was asked has not said it: a team's, say."""
        text = (body.get("result") or {}).get("text")
        told = self._said and not self._last.path
        return text if isinstance(text, str) and not told else ""

    def _call_id(self, body: Body) -> str:
        """The id of a call, unlike that of any other call of any run."""
        return f"{self._run}/{below(body['path'], body['number'], body['call_id'])}"

    def _is_new(self, mark: str) -> bool:
        new = mark not in self._seen
        self._seen.add(mark)
        return new


def below(path: str, number: int, call_id: str) -> str:
    """The path of what a call leads to."""
    return f"{path}/{number}.{call_id}" if path else f"{number}.{call_id}"


def is_below(path: str, root: str) -> bool:
    return not root or path == root or path.startswith(f"{root}/")


def step_name(body: Body) -> str:
    name, number = body["step"], body.get("number")
    return str(name) if number is None else f"{name} {number}"


def source_id_of(body: Body) -> str:
    """The id of a source within its run."""
    path = body.get("path")
    return (
        f"{path}/{body['number']}:{body['passage_id']}"
        if path
        else (f"{body['number']}:{body['passage_id']}")
    )


def fields(body: Body) -> dict[str, Any]:
    """An event without its envelope."""
    return {name: value for name, value in body.items() if name not in ENVELOPE}
