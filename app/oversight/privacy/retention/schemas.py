"""Retention policies on the wire."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field
from pydantic.config import JsonDict

from app.core.schema import Input, Output, WholeNumber

LONGEST_DAYS = 36_525
SESSION_DAYS = 30  # a sign-in that has ended is deleted by then, whatever the policy says


class DataClass(StrEnum):
    """What can be kept for different times; the tables' declarations say what belongs to which."""

    AUDIT = "audit"
    CONVERSATIONS = "conversations"
    RUNS = "runs"
    SESSIONS = "sessions"
    USAGE = "usage"


Days = Annotated[
    WholeNumber | None,
    Field(ge=1, le=LONGEST_DAYS, description="Days; null keeps the data until it is deleted."),
]
_DAYS: JsonDict = {
    "audit": None, "conversations": 365, "runs": 90, "sessions": 30, "usage": None,
}  # fmt: skip


class RetentionDays(Output):
    """How many days each class of data is kept; null for as long as nobody deletes it."""

    model_config = ConfigDict(json_schema_extra={"examples": [_DAYS]})

    audit: int | None
    conversations: int | None = Field(description="Counted from the last activity.")
    runs: int | None = Field(description="Runs and their events, counted from the end of the run.")
    sessions: int | None = Field(
        description=(
            "Ended sign-ins, of those whose personal workspace this is; "
            f"null is {SESSION_DAYS} days."
        )
    )
    usage: int | None


class RetentionUpdate(Input):
    """The whole policy: a class that is left out is kept."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"conversations": 365, "runs": 90}]})

    audit: Days = None
    conversations: Days = None
    runs: Days = None
    sessions: Annotated[
        WholeNumber | None,
        Field(ge=1, le=SESSION_DAYS, description=f"Days; null is {SESSION_DAYS}, which is most."),
    ] = None
    usage: Days = None


class RetentionDue(Output):
    """What the policy would delete now."""

    data_class: DataClass
    table: str
    rows: int = Field(description="Counted up to 100,000. What hangs on a row goes with it.")


class RetentionRead(Output):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "workspace_id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e10",
                    "days": _DAYS,
                    "due": [{"data_class": "runs", "table": "runs", "rows": 12}],
                    "version": 2,
                    "updated_at": "2026-11-02T09:30:00Z",
                }
            ]
        }
    )

    workspace_id: UUID
    days: RetentionDays
    due: list[RetentionDue] = Field(
        description="What the job deletes at its next round; with `dry_run`, what it would."
    )
    version: int = Field(description="Counted up at every change; the ETag names it.")
    updated_at: AwareDatetime | None = Field(description="Null where there is no policy yet.")
