"""One streamed answer over all its attempts.

opening ── streaming ──┬─ ended well
             ▲         │
             │         ├─ broken: nobody can go on, the error is raised
             │         └─ broken: another candidate goes on from the text so far
             └───────────── Seam ┘
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Generic, Protocol, TypeVar

from app.core.errors import AppError
from app.inference.calls.attempt import Attempt
from app.inference.calls.course import Course
from app.inference.calls.heard import Heard, obstacle, total
from app.inference.calls.order import Build
from app.inference.calls.seam import Seam
from app.inference.dialects.errors import RequestInvalid
from app.inference.providers.errors import ProviderError
from app.inference.providers.types import Usage

B_co = TypeVar("B_co", covariant=True)


class Leg(Protocol[B_co]):
    """The answer of one attempt, whose first token has come."""

    @property
    def done(self) -> bool:
        """Whether what was read last is known to be the end."""
        ...

    async def read(self) -> B_co:
        """What has arrived, or the next of it; falsy at the end. Raises ProviderError."""
        ...

    def note(self, attempt: Attempt) -> None:
        """Write down what it has used."""
        ...

    def hear(self, heard: Heard) -> bool:
        """Add what the client was given of it; false where that is not known any more."""
        ...

    def close(self) -> None:
        """Close the upstream connection at once."""
        ...


# Asks a candidate: from the beginning, or for the rest of what was heard.
Begin = Callable[[Attempt, Heard | None], Awaitable[Leg[B_co]]]


class Flow(Generic[B_co]):
    """`begin` it, `read` it to its end, and `close` it in any case."""

    def __init__(self, course: Course, begin: Begin[B_co], build: Build) -> None:
        self._course = course
        self._begin = begin
        self._build = build
        self._leg: Leg[B_co] | None = None
        # What the client was given, once an answer has broken off.
        self._heard: Heard | None = None

    async def begin(self) -> None:
        """Wait for the first token of whoever answers; raises the error that is the answer."""
        self._leg = await self._course.opened(self._asked, drop)

    async def read(self) -> "B_co | Seam | None":
        """What comes next: a part of the answer, a seam, or None at the end.

        Raises the error of an answer that nobody can go on with.
        """
        leg = self._leg
        if leg is None:
            return None
        try:
            part = await leg.read()
        except AppError as error:
            return await self._continue(leg, error)
        if part:
            return part
        self._end("succeeded")
        return None

    @property
    def done(self) -> bool:
        return self._leg is not None and self._leg.done

    def close(self) -> None:
        """Close what is under way; what it has used is billed."""
        if self._leg is not None:
            self._end("cancelled")

    def _end(self, status: str, error: AppError | None = None) -> None:
        leg, self._leg = self._leg, None
        if leg is not None:
            leg.note(self._course.attempt)
            leg.close()
            self._course.end(self._course.attempt, status, error)

    async def _continue(self, leg: Leg[B_co], error: AppError) -> Seam:
        self._end("failed", error)
        heard = self._heard or Heard()
        if not (isinstance(error, ProviderError) and self._may_continue(leg, heard)):
            raise error
        failed = self._course.attempt
        heard.spent = total(heard.spent, used(failed))
        await self._course.turn(error, rest=heard.load(self._course.grant.call.load))
        self._heard = heard
        self._leg = await self._course.opened(self._asked, drop)
        return Seam(
            len(heard.text),
            failed.target.reference,
            self._course.attempt.target.reference,
            error.code,
        )

    def _may_continue(self, leg: Leg[B_co], heard: Heard) -> bool:
        if self._course.plan.failover.mid_stream != "continue" or not leg.hear(heard):
            return False
        try:
            request = self._build(self._course.attempt.target)
        except (RequestInvalid, ProviderError):
            return False
        return obstacle(request, heard) is None

    async def _asked(self, attempt: Attempt) -> Leg[B_co]:
        leg = await self._begin(attempt, self._heard)
        attempt.mark_first_token()
        return leg


def drop(leg: Leg[Any]) -> None:
    leg.close()


def used(attempt: Attempt) -> Usage:
    """What a broken attempt has used, as far as one knows."""
    if attempt.usage is not None and not attempt.usage_is_partial:
        return attempt.usage
    known = attempt.usage or Usage(attempt.call.load.input_tokens)
    return replace(known, output_tokens=max(known.output_tokens, attempt.output_tokens))
