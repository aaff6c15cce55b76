"""What the head of an answer tells of the route it took."""

from datetime import UTC, datetime, time
from email.utils import format_datetime
from typing import Final

from app.inference.calls.course import Course
from app.inference.calls.order import Grant
from app.inference.calls.reply import Headers
from app.inference.catalog.retirement import retirement
from app.inference.integrations.directory import Target

MOST_TARGETS: Final = 4096
# Control characters, which no header has, as spaces.
SPACED: Final = bytes(32 if each < 32 or each == 127 else each for each in range(256))
_farewells: dict[tuple[object, float | None, str], Headers] = {}


def route_headers(grant: Grant) -> Headers:
    """What is known before anyone has answered."""
    call = (b"x-luminous-call-id", str(grant.call.request_id).encode())
    if grant.plan.route is None:
        return [call]
    return [call, (b"x-luminous-route", shown(grant.plan.route))]


def attempt_headers(course: Course) -> Headers:
    """Who answered, at which attempt, and whether it will be there for long."""
    target = course.attempt.target
    return [
        (b"x-luminous-model", shown(target.reference)),
        (b"x-luminous-attempts", b"%d" % course.attempts),
        *found_headers(course.grant),
        *farewell(target),
    ]


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
    key = (endpoint.integration_id, endpoint.listed_at, target.model)
    headers = _farewells.get(key)
    if headers is None:
        day, headers = retirement(endpoint, target.model), []
        if day is not None:
            end = datetime.combine(day, time(), UTC)
            since = min(endpoint.listed_at or 0.0, end.timestamp())
            headers = [
                (b"deprecation", b"@%d" % since),
                (b"sunset", format_datetime(end, usegmt=True).encode()),
            ]
        if len(_farewells) >= MOST_TARGETS:
            _farewells.clear()
        _farewells[key] = headers
    return headers


def shown(name: str) -> bytes:
    """A name as a header may carry it."""
    return name.encode("ascii", "backslashreplace").translate(SPACED)
