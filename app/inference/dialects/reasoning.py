"""What a client says of reasoning to a model that has none."""

from typing import Any, Final, get_args

from app.inference.catalog.capabilities import capabilities_of
from app.inference.dialects.checks import invalid
from app.inference.integrations.directory import Target
from app.inference.providers.types import Effort

NO_TOKENS = (0, -1)
EFFORTS: Final[tuple[Effort, ...]] = get_args(Effort)


def effort(value: Any, at: str) -> Effort | None:
    """How much a model is to think; raises RequestInvalid."""
    for known in EFFORTS:
        if value == known:
            return known
    if value is None:
        return None
    raise invalid(at, f"expected one of {', '.join(EFFORTS)}")


def never_reasons(target: Target) -> bool:
    """Tell a model that is known to have no reasoning, and servers refuse any word of it."""
    return capabilities_of(target.endpoint.kind, target.model).reasoning is False


def says_something(effort: str | None, budget: int | None, target: Target) -> bool:
    """False where no reasoning, or as much as the model likes, is what happens anyway."""
    if effort not in (None, "none") or (budget is not None and budget not in NO_TOKENS):
        return True
    return (effort, budget) == (None, None) or not never_reasons(target)
