"""A request in a client's dialect, answered by whoever the plan names: bytes, or events."""

from collections.abc import Awaitable
from typing import Any

import orjson

from app.core.errors import AppError, UpstreamTimedOut
from app.inference.calls.attempt import Attempt
from app.inference.calls.byte_leg import limited, open_bytes
from app.inference.calls.course import Course
from app.inference.calls.event_leg import (
    EventLeg,
    RenderedLeg,
    expect_answer,
    preset,
    unless_refused,
)
from app.inference.calls.flow import Flow, Leg
from app.inference.calls.headers import attempt_headers, route_headers
from app.inference.calls.heard import Heard, continued
from app.inference.calls.reply import Answer
from app.inference.calls.seam import Seam
from app.inference.calls.tapping import HeardBytes, Kept, WatchedLeg
from app.inference.calls.wire import Wire, fault_in, garbled
from app.inference.dialects.ask import Ask
from app.inference.dialects.dialect import Dialect
from app.inference.integrations.directory import Target
from app.inference.providers.codec import BadAnswer, InBandError
from app.inference.providers.types import ChatRequest, Events
from app.inference.routing.plan import Candidate


class CallTimedOut(UpstreamTimedOut):
    """The whole call took longer than the request allows."""

    code = "call_timed_out"
    title = "The call took longer than its time-out"


class Relaying:
    """Serves one request; `kept` hears the answer for the cache."""

    def __init__(
        self, wire: Wire, course: Course, dialect: Dialect, ask: Ask, kept: Kept | None = None
    ) -> None:
        self._wire = wire
        self._course = course
        self._dialect = dialect
        self._ask = ask
        self._kept = kept
        self._guard = course.grant.guard
        self._answer = self._guard.answer() if self._guard is not None else None

    def serve(self, reply: Answer) -> Awaitable[None]:
        """Answer; raises the error of a call whose answer has not begun."""
        reply.headers += route_headers(self._course.grant)
        return self._stream(reply) if self._ask.streaming else self._whole(reply)

    def request(self, target: Target) -> ChatRequest:
        """The request for an adapter; raises RequestInvalid."""
        request = self._dialect.parse(self._ask, target)
        return self._guard.masked(request) if self._guard is not None else request

    def passes_bytes(self, candidate: Candidate) -> bool:
        """Whether this candidate has the request's bytes as they are."""
        return (
            self._dialect.passes_bytes_to(candidate.target.endpoint)
            and not candidate.parameters
            and self._course.plan.failover.on_content_filter == "pass"
            and (self._guard is None or not self._guard.needs_events)
        )

    async def _whole(self, reply: Answer) -> None:
        course = self._course
        body = await course.opened(self._answered, forget)
        course.end(course.attempt, "succeeded")
        self._keep()
        reply.headers += attempt_headers(course)
        await reply.json(body)

    async def _answered(self, attempt: Attempt) -> bytes:
        if not self.passes_bytes(attempt.candidate):
            return await self._completed(attempt)
        dialect, target = self._dialect, attempt.target
        url = dialect.upstream_url(target.endpoint, target.model, streaming=False)
        body = dialect.upstream_body(limited(dialect, self._ask, attempt), target.model)
        answer = await self._wire.fetch(attempt.candidate, url, body, headers=self._ask.headers)
        document = self._checked(target, answer)
        attempt.usage = dialect.usage_of(document)
        attempt.output_tokens = len(answer) // 4
        attempt.on_going = dialect.on_going(target.endpoint, document)
        if self._kept is not None:
            self._kept.hear_whole(target.endpoint, answer)
        return answer

    async def _completed(self, attempt: Attempt) -> bytes:
        candidate = attempt.candidate
        request = preset(self.request(attempt.target), attempt)
        provider = attempt.target.endpoint.provider
        result = await provider.complete(request, candidate.timeouts)
        attempt.usage = result.usage
        if self._course.plan.failover.on_content_filter == "next":
            expect_answer(result, candidate)
        if self._guard is not None:
            result = await self._guard.check_result(result)
        if self._kept is not None:
            self._kept.hear_whole(attempt.target.endpoint, result)
        return self._dialect.render(result, request.model, self._ask)

    def _checked(self, target: Target, answer: bytes) -> dict[str, Any]:
        try:
            document: dict[str, Any] = orjson.loads(answer)
        except ValueError:
            raise garbled(target.endpoint, "the answer is not JSON.") from None
        try:
            self._dialect.check_answer(document)
        except (InBandError, BadAnswer) as fault:
            raise fault_in(target.endpoint, fault) from None
        return document

    async def _stream(self, reply: Answer) -> None:
        flow: Flow[bytes] = Flow(self._course, self._leg, self.request)
        try:
            await flow.begin()
            if reply.begun:
                await reply.stream(self._dialect.remark("model", {"model": self._reference}))
            reply.headers += attempt_headers(self._course)
            while (part := await flow.read()) is not None:
                await reply.stream(self._written(part), more=not flow.done)
            self._keep()
            if not reply.ended:
                await reply.stream(b"", more=False)
        except AppError as error:
            if not reply.begun:
                raise
            await reply.stream(self._dialect.error_event(error, reply.last), more=False)
        finally:
            flow.close()
            if self._answer is not None:
                self._answer.close()

    def _written(self, part: bytes | Seam) -> bytes:
        """A part of the answer; a seam as clients of the dialect pass it over."""
        return self._dialect.remark("failover", part.told()) if isinstance(part, Seam) else part

    def _keep(self) -> None:
        if self._kept is not None:
            self._kept.keep(self._course.attempt, self._guard)

    @property
    def _reference(self) -> str:
        return self._course.attempt.target.reference

    async def _leg(self, attempt: Attempt, heard: Heard | None) -> Leg[bytes]:
        if heard is None and self.passes_bytes(attempt.candidate):
            leg = await open_bytes(self._wire, self._dialect, self._ask, attempt)
            kept, endpoint = self._kept, attempt.target.endpoint
            return leg if kept is None else HeardBytes(leg, endpoint, kept)
        candidate = attempt.candidate
        request = preset(self.request(attempt.target), attempt)
        if heard is not None:
            request = continued(request, heard)
        events = await attempt.target.endpoint.provider.open(request, candidate.timeouts)
        if heard is None and self._course.plan.failover.on_content_filter == "next":
            events = await unless_refused(events, candidate)
        relayed = heard.relayed if heard is not None else b""
        # One that has rendered the answer so far goes on with its identity and numbers.
        renderer = (heard and heard.renderer) or self._dialect.renderer(
            self._ask, request.model, relayed=relayed
        )
        return RenderedLeg(self._watched(events, heard, attempt), renderer)

    def _watched(self, events: Events, heard: Heard | None, attempt: Attempt) -> EventLeg:
        if self._answer is None and self._kept is None:
            return EventLeg(events, heard)
        return WatchedLeg(events, heard, attempt.target.endpoint, self._answer, self._kept)


def forget(_: object) -> None:
    """A whole answer needs no closing."""
