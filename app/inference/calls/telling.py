"""An answer for ourselves: events with seams, or a whole result."""

from collections.abc import AsyncGenerator

from app.inference.calls.attempt import Attempt
from app.inference.calls.course import Course
from app.inference.calls.event_leg import WITHHELD, EventLeg, preset, unless_refused
from app.inference.calls.flow import Flow, Leg
from app.inference.calls.heard import Heard, continued
from app.inference.calls.order import Build
from app.inference.calls.seam import Seam
from app.inference.providers.errors import ContentFiltered
from app.inference.providers.types import ChatResult, StreamEvent


class Telling:
    """Serves one request of our own; `course` tells who answers and what it cost."""

    def __init__(self, course: Course, build: Build) -> None:
        self.course = course
        self._build = build

    async def stream(self) -> AsyncGenerator[StreamEvent | Seam, None]:
        """The answer as it comes; `aclose()` closes the upstream connection at once."""
        flow: Flow[list[StreamEvent]] = Flow(self.course, self._leg, self._build)
        try:
            await flow.begin()
            while (part := await flow.read()) is not None:
                if isinstance(part, Seam):
                    yield part
                    continue
                for event in part:
                    yield event
        finally:
            flow.close()

    async def complete(self) -> ChatResult:
        result = await self.course.opened(self._completed, _forget)
        self.course.end(self.course.attempt, "succeeded")
        return result

    @property
    def _asks_on(self) -> bool:
        return self.course.plan.failover.on_content_filter == "next"

    async def _leg(self, attempt: Attempt, heard: Heard | None) -> Leg[list[StreamEvent]]:
        candidate = attempt.candidate
        request = preset(self._build(attempt.target), candidate)
        if heard is not None:
            request = continued(request, heard)
        events = await attempt.target.endpoint.provider.open(request, candidate.timeouts)
        if heard is None and self._asks_on:
            events = await unless_refused(events, candidate)
        return EventLeg(events, heard)

    async def _completed(self, attempt: Attempt) -> ChatResult:
        candidate = attempt.candidate
        request = preset(self._build(attempt.target), candidate)
        result = await attempt.target.endpoint.provider.complete(request, candidate.timeouts)
        attempt.usage = result.usage
        if self._asks_on and result.finish_reason in WITHHELD and not result.text:
            raise ContentFiltered(candidate.target.endpoint.label, "the answer was withheld.")
        return result


def _forget(_: object) -> None:
    """A whole answer needs no closing."""
