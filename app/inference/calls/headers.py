"""What the head of an answer tells of the route it took."""

from datetime import UTC, datetime, time
from email.utils import format_datetime
from typing import Final

from app.inference.calls.course import Course
from app.inference.calls.order import Grant
from app.inference.calls.reply import Headers
from app.inference.catalog.retirement import retirement
from app.inference.integrations.directory import Target

TOLD: Final = "calls.headers"
# Control characters, which no header has, as spaces.
SPACED: Final = bytes(32 if each < 32 or each == 127 else each for each in range(256))


def route_headers(grant: Grant) -> Headers:
    """What is known before anyone has answered."""
    call = (b"x-luminous-call-id", grant.call.request_text.encode())
    if grant.plan.route is None:
        return [call]
    return [call, (b"x-luminous-route", shown(grant.plan.route))]


def attempt_headers(course: Course) -> Headers:
    """Who answered, at which attempt, and whether it will be there for long."""
    candidate = course.attempt.candidate
    known: tuple[tuple[bytes, bytes], Headers] | None = candidate.memo.get(TOLD)
    if known is None:
        target = candidate.target
        known = (b"x-luminous-model", shown(target.reference)), farewell(target)
        candidate.memo[TOLD] = known
    model, leaving = known
    attempts = (b"x-luminous-attempts", b"%d" % course.attempts)
    return [model, attempts, *found_headers(course.grant), *leaving]


def found_headers(grant: Grant) -> Headers:
    """Which guardrails have found something by now, and what came of it (`flag=<id>`)."""
    if grant.guard is None or not grant.guard.findings:
        return []
    found = [f"{each.action}={each.policy_id}" for each in grant.guard.findings]
    return [(b"x-luminous-guardrails", ", ".join(dict.fromkeys(found)).encode())]


def farewell(target: Target) -> Headers:
    """`Deprecation` (RFC 9745) and `Sunset` (RFC 8594) of a model with a shutdown date.

    It counts as deprecated since its provider's listing told us.
    """
    endpoint = target.endpoint
    day = retirement(endpoint, target.model)
    if day is None:
        return []
    end = datetime.combine(day, time(), UTC)
    since = min(endpoint.listed_at or 0.0, end.timestamp())
    return [
        (b"deprecation", b"@%d" % since),
        (b"sunset", format_datetime(end, usegmt=True).encode()),
    ]


def shown(name: str) -> bytes:
    """A name as a header may carry it."""
    return name.encode("ascii", "backslashreplace").translate(SPACED)
