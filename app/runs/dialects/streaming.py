"""A run's log in a dialect, as an HTTP response."""

from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from contextlib import aclosing
from uuid import UUID

from app.core.http.event_stream import EventStream, let_in
from app.core.kernel import Kernel
from app.runs.dialects.encoder import Dialect
from app.runs.events.event import Event
from app.runs.events.reader import PING, EventReader, Readable

Heard = Callable[[Event], bool]


def heard_to(seq: int) -> Heard:
    """The client has what came up to a position."""
    return lambda event: event.seq <= seq


def heard_to_answer(approval_ids: Collection[UUID]) -> Heard:
    """The client has what came until the run waited for these approvals."""
    unmet, waited = {str(each) for each in approval_ids}, False

    def heard(event: Event) -> bool:
        nonlocal waited
        before = not waited
        if event.type == "tool.approval_required":
            unmet.discard(event.body["approval_id"])
        elif event.type == "run.paused":
            waited = waited or not unmet
        return before

    return heard


class StreamCut(ConnectionError):
    """This process stops: the connection is cut, so that the client knows that more is to come."""


async def blocks(
    reader: EventReader, run: Readable, dialect: Dialect, heard: Heard
) -> AsyncGenerator[bytes, None]:
    """What is told from where the client has not heard it, to the end or to where the run waits.

    Every event is fed to the dialect, so that what is told is the same wherever it begins.
    """
    async with aclosing(reader.batches(run)) as batches:
        async for batch in batches:
            if block := _block(dialect, batch, heard):
                yield block
            last = batch[-1] if batch else None
            if last is not None and last.terminal:
                return
            if last is not None and last.type == "run.paused" and await reader.rests(run, last.seq):
                yield dialect.rest()
                return
    raise StreamCut


def _block(dialect: Dialect, batch: Sequence[Event], heard: Heard) -> bytes:
    if not batch:
        return PING
    told = [(event, dialect.feed(event)) for event in batch]
    return b"".join([frames for event, frames in told if not heard(event)])


async def dialect_response(
    kernel: Kernel, reader: EventReader, run: Readable, dialect: Dialect, heard: Heard
) -> EventStream:
    """Raises EventsExpired."""
    await reader.check(run, 0)
    return EventStream(
        blocks(reader, run, dialect, heard),
        slow_reader_seconds=kernel.settings.slow_reader_seconds,
        let_in=let_in(kernel),
        headers={**dialect.headers, "X-Run-Id": str(run.id)},
    )
