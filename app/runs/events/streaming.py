"""A run's events as an HTTP response, for every route that streams a run."""

from typing import Annotated, Any

from fastapi import Depends, Header

from app.core.errors import AppError
from app.core.http.event_stream import EventStream, let_in
from app.core.http.problems import problems
from app.core.kernel import Kernel
from app.runs.events.errors import EventIdInvalid, EventsExpired
from app.runs.events.event import EventId, parse_event_id
from app.runs.events.reader import EventReader, Readable

_EXAMPLE = (
    "retry: 1000\n\n"
    "id: 0199b0de-4f4e-7c5a-9a53-0d6f3c1e2b4a:3\n"
    "event: text.delta\n"
    'data: {"type":"text.delta","seq":3,"run_id":"0199b0de-4f4e-7c5a-9a53-0d6f3c1e2b4a",'
    '"at":"2026-11-20T10:00:00Z","message_id":"0199b0de-4f50-7d11-8a07-5d1f2f9c3b6e",'
    '"text":"Hello"}\n\n'
)


def _last_event_id(
    last_event_id: Annotated[
        str | None,
        Header(max_length=100, description="`<run_id>:<seq>` of the last event that was seen."),
    ] = None,
) -> EventId | None:
    return parse_event_id(last_event_id) if last_event_id else None


LastEventId = Annotated[EventId | None, Depends(_last_event_id)]
"""Where the client's stream broke off; a malformed header is a 400."""


def event_stream_responses(*errors: type[AppError]) -> dict[int | str, dict[str, Any]]:
    """The `responses=` of a route that streams a run; its errors are those named and its own."""
    stream = {
        "description": "The events of the run, from the position asked for up to its end.",
        "headers": {
            "X-Run-Id": {
                "description": "The run whose events these are.",
                "schema": {"type": "string", "format": "uuid"},
            }
        },
        "content": {
            "text/event-stream": {
                "schema": {"$ref": "#/components/schemas/RunEvent"},
                "example": _EXAMPLE,
            }
        },
    }
    return {200: stream, **problems(*errors, EventIdInvalid, EventsExpired)}


async def stream_response(
    kernel: Kernel, reader: EventReader, run: Readable, after: int = 0
) -> EventStream:
    """The run's events after a position; raises EventIdInvalid and EventsExpired."""
    await reader.check(run, after)
    return EventStream(
        reader.frames(run, after),
        slow_reader_seconds=kernel.settings.slow_reader_seconds,
        let_in=let_in(kernel),
        headers={"X-Run-Id": str(run.id)},
    )
