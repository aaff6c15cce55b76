"""An answer for ourselves: events with seams, or a whole result."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from app.inference.calls.attempt import Attempt
from app.inference.calls.course import Course
from app.inference.calls.event_leg import EventLeg, expect_answer, preset, unless_refused
from app.inference.calls.flow import Flow, Leg
from app.inference.calls.guarding import checked
from app.inference.calls.heard import Heard, continued
from app.inference.calls.order import Build
from app.inference.calls.seam import Seam
from app.inference.calls.tapping import WatchedLeg
from app.inference.guardrails.guard import Guard
from app.inference.integrations.directory import Target
from app.inference.providers.types import ChatRequest, ChatResult, StreamEvent


class Telling:
    """Serves one request of our own; `course` tells who answers and what it cost."""

    def __init__(self, course: Course, build: Build) -> None:
        self.course = course
        self._given = build
        self._guard = course.grant.guard
        self._answer = self._guard.answer() if self._guard is not None else None

    async def stream(self) -> AsyncGenerator[StreamEvent | Seam, None]:
        """The answer as it comes; `aclose()` closes the upstream connection at once."""
        async with aclosing(self.batches()) as batches:
            async for batch in batches:
                if isinstance(batch, Seam):
                    yield batch
                    continue
                for event in batch:
                    yield event

    async def batches(self) -> AsyncGenerator[list[StreamEvent] | Seam, None]:
        """The same, with the events that came together."""
        flow: Flow[list[StreamEvent]] = Flow(self.course, self._leg, self._build)
        try:
            await self._check()
            await flow.begin()
            while (part := await flow.read()) is not None:
                yield part
        finally:
            flow.close()
            if self._answer is not None:
                self._answer.close()

    async def complete(self) -> ChatResult:
        await self._check()
        result = await self.course.opened(self._completed, _forget)
        self.course.end(self.course.attempt, "succeeded")
        return result

    async def _check(self) -> None:
        """Have guardrails look at the request."""
        if self._guard is not None:
            await checked(self.course, self._checked(self._guard))

    async def _checked(self, guard: Guard) -> None:
        await guard.check_request(self._given(self.course.attempt.target))

    def _build(self, target: Target) -> ChatRequest:
        request = self._given(target)
        return self._guard.masked(request) if self._guard is not None else request

    @property
    def _asks_on(self) -> bool:
        return self.course.plan.failover.on_content_filter == "next"

    async def _leg(self, attempt: Attempt, heard: Heard | None) -> Leg[list[StreamEvent]]:
        candidate = attempt.candidate
        request = preset(self._build(attempt.target), attempt)
        if heard is not None:
            request = continued(request, heard)
        events = await attempt.target.endpoint.provider.open(request, candidate.timeouts)
        if heard is None and self._asks_on:
            events = await unless_refused(events, candidate)
        if self._answer is None:
            return EventLeg(events, heard)
        return WatchedLeg(events, heard, attempt.target.endpoint, self._answer)

    async def _completed(self, attempt: Attempt) -> ChatResult:
        candidate = attempt.candidate
        request = preset(self._build(attempt.target), attempt)
        result = await attempt.target.endpoint.provider.complete(request, candidate.timeouts)
        attempt.usage = result.usage
        if self._asks_on:
            expect_answer(result, candidate)
        return await self._guard.check_result(result) if self._guard is not None else result


def _forget(_: object) -> None:
    """A whole answer needs no closing."""
