"""What a piece of work sees of its run: its input, and the log it writes to."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from app.core.db import Scope
from app.core.waiting import running_loop
from app.runs.events.errors import RunLost
from app.runs.events.event import Event
from app.runs.events.log import MAX_BYTES, RunLog
from app.runs.events.watchers import Watcher
from app.runs.runs.models import Run

COALESCE_SECONDS = 0.025

_TEXT = "text.delta"
_REASONING = "reasoning.delta"

# What a character and an event may take at most as JSON: what is held back must fit for certain.
_WORST_BYTES = 6
_ENVELOPE_BYTES = 400


class RunContext:
    """One attempt at a run.

    Writing is immediate and ordered; `flush` waits until what was written is durable. After the
    run's end, or once it belongs to another process, writing has no effect. `launch` starts
    another run that `service.create` made for this `executor_id`, once that is committed. `nudged`
    is set when someone has brought what the run may wait for, while it is under way.
    """

    def __init__(self, run: Run, log: RunLog, launch: Callable[[Run], None]) -> None:
        self.run_id = run.id
        self.workspace_id = run.workspace_id
        self.user_id = run.user_id
        self.subject_id = run.subject_id
        self.input: dict[str, Any] = run.input
        self.attempt = run.attempt
        self.executor_id = run.executor_id or ""
        self.launch = launch
        self._run = run
        self.nudged = asyncio.Event()
        self.scope = Scope(workspace_id=run.workspace_id, user_id=run.user_id)
        self.continued = any(event.type == "run.started" for event in log.events)
        self.history: Sequence[Event] = tuple(log.events)
        self._log = log
        self._loop = running_loop()
        self._buffer: list[str] = []
        self._buffered = 0
        self._buffer_kind: tuple[str, UUID | str] = (_TEXT, "")
        self._quiet_until = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._said: dict[str, list[str]] = {_TEXT: [], _REASONING: []}
        for event in self.history:
            if event.type in self._said:
                self._said[event.type].append(event.body["text"])

    @property
    def text_so_far(self) -> str:
        """All text of the run, over every attempt."""
        return "".join(self._said[_TEXT])

    @property
    def reasoning_so_far(self) -> str:
        return "".join(self._said[_REASONING])

    @property
    def room(self) -> int:
        """Bytes that the log may still take."""
        return MAX_BYTES - self._log.size - self._buffered

    def emit(self, kind: str, /, **fields: Any) -> None:
        """Append an event; raises RunOutputTooLarge."""
        self.append(kind, fields)

    def append(self, kind: str, fields: dict[str, Any]) -> None:
        """The same, for whoever has the fields as a dict."""
        if self._buffer:
            self._flush_deltas()
        self._log.append(kind, fields)

    def text(self, delta: str, *, message_id: UUID | str) -> None:
        """Append text: at once after a pause, else joined with what comes within 25 ms."""
        self._delta(_TEXT, delta, message_id)

    def reasoning(self, delta: str, *, message_id: UUID | str) -> None:
        self._delta(_REASONING, delta, message_id)

    async def flush(self) -> None:
        """Wait until everything emitted so far is durable; raises what keeps it from being so."""
        self._flush_deltas()
        self._log.hurry()
        until = self._log.ready
        watcher = Watcher()
        self._log.watchers.add(watcher)
        try:
            while self._log.visible < until:
                if self._log.failure is not None or self._log.abandoned:
                    raise self._log.failure or RunLost
                await watcher.wait(time.monotonic() + 1)
        finally:
            self._log.watchers.discard(watcher)

    def rest(self) -> None:
        """Have what follows told with the run's end, in whose transaction it comes about."""
        self._flush_deltas()
        self._log.rest()

    def end(self, values: Mapping[str, Any]) -> None:
        """Have the row that was launched here say what its end has made of it."""
        self._run.__dict__.update(values)

    def close(self) -> None:
        """Write what is still held back; nothing more is taken after it."""
        self._flush_deltas()
        self._log.closed = True

    def _delta(self, kind: str, delta: str, message_id: UUID | str) -> None:
        if not delta or self._log.closed:
            return
        if self._buffer and self._buffer_kind != (kind, message_id):
            self._flush_deltas()
        size = self._buffered + _WORST_BYTES * len(delta) + _ENVELOPE_BYTES
        self._log.reserve(size)
        self._said[kind].append(delta)
        self._buffer_kind = (kind, message_id)
        self._buffer.append(delta)
        self._buffered = size
        if self._timer is None:
            wait = self._quiet_until - self._loop.time()
            if wait <= 0:
                self._flush_deltas()
            else:
                self._timer = self._loop.call_later(wait, self._flush_deltas)

    def _flush_deltas(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._buffer:
            kind, message_id = self._buffer_kind
            text = "".join(self._buffer)
            self._buffer.clear()
            self._buffered = 0
            self._quiet_until = self._loop.time() + COALESCE_SECONDS
            self._log.append(kind, {"message_id": message_id, "text": text})
