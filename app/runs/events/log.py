"""The whole log of a run in the memory of the process that owns it."""

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol
from uuid import UUID

from app.core.errors import AppError
from app.runs.events.errors import RunOutputTooLarge
from app.runs.events.event import Event, encode
from app.runs.events.watchers import Watchers

MAX_BYTES = 16 * 1024 * 1024
# What comes just before or after something that is waited for: it leaves together with that.
PATIENT: Final = frozenset({"run.created", "run.started", "usage.updated", "step.completed"})


class Mark(Protocol):
    """Who is told that a log has events to write."""

    def __call__(self, log: "RunLog", /, *, soon: bool = True) -> None: ...


def channel(run_id: UUID) -> str:
    """Where the run's events are announced, and how its keys in Valkey begin."""
    return f"run:{{{run_id}}}"


class RunLog:
    """Events from seq 1 on: event `seq` stands at index `seq - 1`.

    `written` is how far Valkey has acknowledged, `visible` how far readers may see; they differ
    only once the run's end is in Postgres. `stop` is called once when the log cannot go on.
    `watchers` are woken by what becomes visible, `waiting` only once nothing more comes from here.
    """

    def __init__(
        self,
        run_id: UUID,
        attempt: int,
        history: Sequence[Event],
        dirty: Mark,
    ) -> None:
        self.run_id = run_id
        self.attempt = attempt
        self.events = list(history)
        self.size = sum(len(event.raw) for event in history)
        self.written = self.visible = len(self.events)
        self.closed = False
        self.concluded = False
        self.abandoned = False
        self.failure: AppError | None = None
        self.stop: Callable[[AppError], None] | None = None
        self.watchers = Watchers()
        self.waiting = Watchers()
        self.channel = channel(run_id)
        self._name = str(run_id)
        self._resting_at: int | None = None
        self._dirty = dirty

    @property
    def next_seq(self) -> int:
        return len(self.events) + 1

    def append(self, kind: str, fields: dict[str, Any]) -> None:
        """Add an event; raises RunOutputTooLarge. A closed log takes nothing more."""
        if self.closed:
            return
        event = encode(self._name, self.next_seq, kind, fields)
        self.reserve(len(event.raw))
        self.events.append(event)
        self.size += len(event.raw)
        if self._resting_at is None:
            self._dirty(self, soon=self._is_read and kind not in PATIENT)

    @property
    def _is_read(self) -> bool:
        """Whether anyone follows it here; who does elsewhere can wait a few milliseconds."""
        return bool(self.watchers)

    @property
    def ready(self) -> int:
        """How many events may be written by now."""
        return len(self.events) if self._resting_at is None else self._resting_at

    def rest(self) -> None:
        """Have what follows written with the run's end, which brings about what it tells of."""
        if self._resting_at is None:
            self._resting_at = len(self.events)

    def hurry(self) -> None:
        """Have written now what could have waited a little."""
        if self.written < self.ready:
            self._dirty(self)

    def reserve(self, size: int) -> None:
        """Check that `size` bytes more would fit; raises RunOutputTooLarge."""
        if self.size + size > MAX_BYTES:
            raise RunOutputTooLarge(f"A run's event log holds {MAX_BYTES // 2**20} MiB.")

    def draft(self, kind: str, fields: dict[str, Any]) -> Event:
        """The event that would come next, not yet part of the log."""
        return encode(self._name, self.next_seq, kind, fields)

    def conclude(self, ending: Event) -> None:
        """Add the terminal event, which Postgres holds already, with all before it."""
        self._resting_at = None
        self.events.append(ending)
        self.visible = len(self.events)
        self.concluded = True
        self._dirty(self, soon=self._is_read)
        self.watchers.wake()
        self.waiting.wake()

    def acknowledge(self, written: int) -> None:
        self.written = written
        self.visible = max(self.visible, written)
        self.watchers.wake()

    def fail(self, failure: AppError) -> None:
        """Tell the owner, once, that the log cannot be written any more."""
        if self.failure is None:
            self.failure = failure
            if self.stop is not None:
                self.stop(failure)

    def abandon(self) -> None:
        """This process no longer owns the run; its readers look elsewhere."""
        self.closed = self.abandoned = True
        self.watchers.wake()
        self.waiting.wake()
