"""An attempt through an adapter: events as they are, or in the client's dialect."""

from dataclasses import replace
from typing import Any

from app.inference.calls.attempt import Attempt
from app.inference.calls.heard import Heard, total
from app.inference.dialects.dialect import Renderer
from app.inference.providers.errors import ContentFiltered
from app.inference.providers.types import (
    ChatRequest,
    ChatResult,
    Events,
    Finished,
    ReasoningDelta,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    Usage,
    UsageReport,
)
from app.inference.routing.plan import Candidate

# Beyond so many events the text of an answer is not kept, and nobody can go on with it.
MOST_KEPT = 200_000


class EventLeg:
    """Gives the events of one read at a time."""

    done = False

    def __init__(self, events: Events, heard: Heard | None) -> None:
        self._events = events
        self._spent = heard.spent if heard is not None else None
        self._kept: list[list[StreamEvent]] = []
        self._count = 0
        self._usage: Usage | None = None

    async def read(self) -> list[StreamEvent]:
        events = await self._events.read()
        if self._spent is not None:
            events = [self._summed(event, self._spent) for event in events]
        self._count += len(events)
        if self._count <= MOST_KEPT:
            self._kept.append(events)
        return events

    def note(self, attempt: Attempt) -> None:
        written, finished, usage = tally(self._kept)
        attempt.usage = self._usage if self._spent is not None else usage
        # Some providers count the input at the beginning and the output only at the end.
        attempt.usage_is_partial = attempt.usage is not None and not finished
        attempt.output_tokens = -(-written // 4)

    def hear(self, heard: Heard) -> bool:
        for events in self._kept:
            heard.add(events)
        return self._count <= MOST_KEPT

    def close(self) -> None:
        self._events.close()

    def _summed(self, event: StreamEvent, spent: Usage) -> StreamEvent:
        """The client's count goes over all attempts."""
        if not isinstance(event, UsageReport):
            return event
        self._usage = event.usage
        return UsageReport(total(spent, event.usage))


class RenderedLeg:
    """The same, in frames of the client's dialect."""

    def __init__(self, leg: EventLeg, renderer: Renderer) -> None:
        self.renderer = renderer
        self._leg = leg

    async def read(self) -> bytes:
        render = self.renderer.render
        while events := await self._leg.read():
            block = b"".join([render(event) for event in events])
            if block:
                return block
        return b""

    def note(self, attempt: Attempt) -> None:
        self._leg.note(attempt)

    @property
    def done(self) -> bool:
        return self.renderer.finished

    def hear(self, heard: Heard) -> bool:
        heard.renderer = self.renderer
        return self._leg.hear(heard)

    def close(self) -> None:
        self._leg.close()


def tally(batches: list[list[StreamEvent]]) -> tuple[int, bool, Usage | None]:
    """Characters written, whether the end has come, and the last usage told."""
    written, finished, usage = 0, False, None
    for events in batches:
        for event in events:
            if isinstance(event, TextDelta | ReasoningDelta):
                written += len(event.text)
            elif isinstance(event, ToolCallDelta):
                written += len(event.arguments)
            elif isinstance(event, UsageReport):
                usage = event.usage
            elif isinstance(event, Finished):
                finished = True
    return written, finished, usage


WITHHELD = frozenset({"content_filter", "refusal"})


class Refusing:
    """Events that may not begin with a refusal: the policy asks another candidate then."""

    def __init__(self, events: Events, first: list[StreamEvent]) -> None:
        self._events = events
        self._first = first

    async def read(self) -> list[StreamEvent]:
        if self._first:
            first, self._first = self._first, []
            return first
        return await self._events.read()

    def close(self) -> None:
        self._events.close()


async def unless_refused(events: Events, candidate: Candidate) -> Events:
    """Raise ContentFiltered for an answer that is withheld before it has begun."""
    first = await events.read()
    said = any(isinstance(event, TextDelta) for event in first)
    for event in first:
        withheld = isinstance(event, Finished) and event.reason in WITHHELD
        if withheld and not said:
            events.close()
            label = candidate.target.endpoint.label
            raise ContentFiltered(label, "the answer was withheld.")
    return Refusing(events, first)


def expect_answer(result: ChatResult, candidate: Candidate) -> None:
    """The same of a whole answer."""
    if result.finish_reason in WITHHELD and not result.text:
        raise ContentFiltered(candidate.target.endpoint.label, "the answer was withheld.")


# The fields of a request that a route may give a candidate of its own.
PRESET = frozenset(
    {"temperature", "top_p", "top_k", "max_output_tokens", "seed", "reasoning_effort",
     "reasoning_budget", "verbosity", "service_tier", "frequency_penalty", "presence_penalty"}
)  # fmt: skip


def preset(request: ChatRequest, attempt: Attempt) -> ChatRequest:
    """The request with what the route gives this candidate, where the client left it open.

    So with the longest answer that a hard budget leaves room for.
    """
    given, most = attempt.candidate.parameters, attempt.call.most_output
    if most is not None and request.max_output_tokens is None:
        request = replace(request, max_output_tokens=most)
    if not given:
        return request
    fields: dict[str, Any] = {
        name: value
        for name, value in given.items()
        if name in PRESET and getattr(request, name) is None
    }
    extra = {name: value for name, value in given.items() if name not in PRESET}
    return replace(request, **fields, extra={**extra, **request.extra})
