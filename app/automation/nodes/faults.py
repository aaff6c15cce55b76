"""What other rooms say went wrong, as a fault of a step; and the rights that a step takes."""

from typing import Final

from app.agents.tools.tool import ToolFault
from app.automation.nodes.node_type import StepContext, StepFault
from app.core.auth import Permission
from app.core.errors import AppError, PermissionDenied

# What a tool's way out says of a host that may answer later.
_PASSING: Final = frozenset({"rate_limited", "timeout", "unreachable"})


def fault_of(error: AppError) -> StepFault:
    """An error of the application, with its own code."""
    return StepFault(
        error.code, error.detail, retryable=error.retryable, retry_after=error.retry_after
    )


def fault_of_tool(fault: ToolFault) -> StepFault:
    return StepFault(fault.code, fault.message, retryable=fault.passing or fault.code in _PASSING)


def expect_allowed(ctx: StepContext, *permissions: Permission) -> None:
    """Raises StepFault where whoever started the run lacks one of them."""
    missing = frozenset(permissions) - ctx.access.permissions
    if missing:
        raise StepFault(PermissionDenied.code, f"It takes the permission {min(missing)}.")
