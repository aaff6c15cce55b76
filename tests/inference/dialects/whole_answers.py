"""Streams whose calls and counts are in order, for dialects that read them strictly."""

from dataclasses import replace

from app.inference.providers.types import (
    Finished,
    StreamEvent,
    ToolCallDelta,
    ToolCallStart,
    UsageReport,
)
from tests.inference.dialects.answers import streams


def put_in_order(events: list[StreamEvent]) -> list[StreamEvent]:
    """Give each call arguments that are an object, in pieces and mixed with the others'."""
    calls = [event.index for event in events if isinstance(event, ToolCallStart)]
    pieces = [ToolCallDelta(call, piece) for piece in ('{"city":', '"Rome"}') for call in calls]
    kept = [counted(event) for event in events if not isinstance(event, ToolCallDelta | Finished)]
    return [*kept, *pieces, events[-1]]


def counted(event: StreamEvent) -> StreamEvent:
    """Count what was cached, or thought, inside the whole."""
    if not isinstance(event, UsageReport):
        return event
    usage = event.usage
    cached = usage.cached_input_tokens + usage.cache_write_tokens
    return UsageReport(
        replace(
            usage,
            input_tokens=usage.input_tokens + cached,
            output_tokens=usage.output_tokens + usage.reasoning_tokens,
        )
    )


whole_streams = streams().map(put_in_order)
