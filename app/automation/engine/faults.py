"""Why a step failed, as expressions, people and the log see it."""

from typing import Any, Final

from app.automation.nodes.node_type import StepFault
from app.core.errors import PROBLEM_TYPE_BASE

MOST_CHARACTERS: Final = 2000


def error_of(fault: StepFault) -> dict[str, Any]:
    """`{code, message, detail, retryable}`, and `retry_after` in seconds where it is known."""
    told: dict[str, Any] = {
        "code": fault.code,
        "message": fault.message,
        "detail": fault.detail,
        "retryable": fault.retryable,
    }
    if fault.retry_after is not None:
        told["retry_after"] = fault.retry_after
    return told


def problem_of(error: dict[str, Any]) -> dict[str, Any]:
    """The same as a problem document, as events have it."""
    return {
        "type": PROBLEM_TYPE_BASE + error["code"],
        "title": "The step failed",
        "status": 422,
        "detail": error["message"][:MOST_CHARACTERS],
        "instance": None,
        "code": error["code"],
        "request_id": None,
        "retryable": error.get("retryable", False),
        "retry_after": error.get("retry_after"),
        "errors": [],
    }
