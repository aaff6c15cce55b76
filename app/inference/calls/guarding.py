"""Checks of a request that was let in: one that they refuse is a call that was never made."""

from collections.abc import Awaitable

from app.core.errors import AppError
from app.inference.calls.course import Course
from app.inference.providers.types import Usage


async def checked(course: Course, check: Awaitable[object]) -> None:
    """Wait for a check; what it raises ends the first attempt, which has used nothing."""
    attempt = course.attempt
    try:
        await check
    except AppError as error:
        course.fail(attempt, error)
        raise
    except BaseException:
        attempt.usage = Usage()
        course.end(attempt, "cancelled")
        raise
