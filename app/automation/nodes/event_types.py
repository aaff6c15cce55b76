"""Types of events: what the service itself tells of, and what workflows make up."""

import re
from difflib import get_close_matches
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from app.core.outbox import MOST_TYPE
from app.core.schema import Text

EVENT_TYPES: Final = (
    "conversation.completed",
    "document.ingested",
    "document.failed",
    "agent_run.completed",
    "agent_run.failed",
    "evaluation.completed",
    "memory.created",
    "workflow_run.completed",
    "workflow_run.failed",
    "workflow_run.cancelled",
)
RESERVED: Final = frozenset(each.partition(".")[0] for each in EVENT_TYPES)
"""Nobody but the service can say that this happened."""
OWN: Final = r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$"


def _told(value: str) -> str:
    """A type that somebody waits for: of any other, they would wait for ever."""
    if value in EVENT_TYPES:
        return value
    if value.partition(".")[0] in RESERVED:
        near = get_close_matches(value, EVENT_TYPES, n=1)
        meant = f": did you mean `{near[0]}`?" if near else f", but of {', '.join(EVENT_TYPES)}"
        raise ValueError(f"the service does not tell of it{meant}")
    if not re.fullmatch(OWN, value):
        raise ValueError("must be `<what>.<became>` in small letters, such as `order.paid`")
    return value


EventType = Annotated[Text, Field(min_length=1, max_length=MOST_TYPE), AfterValidator(_told)]
