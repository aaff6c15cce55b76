"""Triggers on the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from app.automation.triggers.kinds import Kind, Settings, SettingsRead
from app.core.paging import PageQuery
from app.core.restorable import RestorableQuery
from app.core.schema import Input, Moment, Name, NotNull, Output, Text, Version, WholeNumber

Reference = Annotated[
    Text, Field(min_length=1, max_length=64, description="The workflow's slug or id.")
]
Inputs = Annotated[
    dict[str, Any],
    Field(
        max_length=64,
        description="What the run is started with; `{{ CEL }}` sees `event`, `body`, `headers`, "
        "`scheduled_at` and `trigger`. By default: the body of a webhook or form, the data of an "
        "event, and of a time nothing.",
    ),
]
Number = Annotated[
    WholeNumber, Field(ge=1, le=2_147_483_647, description="A version of the workflow.")
]
Label = Annotated[Text, Field(min_length=1, max_length=64, description="As `production`.")]
MostFailures = Annotated[
    WholeNumber,
    Field(ge=1, le=100, description="Starts that may fail in a row before it is switched off."),
]
_CRON: JsonDict = {
    "kind": "cron",
    "expression": "0 8 * * MON-FRI",
    "time_zone": "Europe/Berlin",
    "catch_up": "last",
    "jitter_seconds": 0,
}
_CREATE: JsonDict = {"name": "Every morning", "workflow": "daily-report", "on": _CRON}


class WorkflowTriggerCreate(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [_CREATE]})

    name: Name
    workflow: Reference
    workflow_version: Number | None = None
    label: Label | None = None
    on: Settings
    inputs: Inputs | None = None
    enabled: bool = True
    max_failures: MostFailures = 10


class WorkflowTriggerUpdate(Input):
    """A merge patch; `on` is replaced whole, and stays of its kind."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"enabled": False}]})

    name: Annotated[Name | None, NotNull] = None
    workflow: Annotated[Reference | None, NotNull] = None
    workflow_version: Number | None = None
    label: Label | None = None
    on: Annotated[Settings | None, NotNull] = None
    inputs: Inputs | None = None
    enabled: Annotated[bool | None, NotNull] = None
    max_failures: Annotated[MostFailures | None, NotNull] = None


class WorkflowTriggerQuery(RestorableQuery):
    workflow_id: Annotated[UUID | None, Field(description="Only those of this workflow.")] = None
    kind: Annotated[Kind | None, Field(description="Only those of this kind.")] = None
    enabled: Annotated[bool | None, Field(description="Only those.")] = None
    mine: Annotated[bool, Field(description="Only those that act for the caller.")] = False


class WorkflowTriggerRead(Output):
    id: UUID
    workflow_id: UUID
    owner_id: UUID = Field(description="On whose behalf it starts runs.")
    name: str
    kind: Kind
    on: SettingsRead
    workflow_version: int | None
    label: str | None
    inputs: dict[str, Any] | None
    enabled: bool
    disabled_reason: str | None = Field(description="Why it was switched off by itself, as a code.")
    url: str | None = Field(
        description="Where a webhook is sent or a form is found; shown to its owner alone."
    )
    previous_secret_until: datetime | None = Field(
        description="Until then the secret before the present one is good, too."
    )
    next_at: datetime | None = Field(description="When a cron trigger fires next.")
    last_fired_at: datetime | None
    failures: int = Field(description="Starts that failed in a row.")
    max_failures: int
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    restorable_until: datetime | None
    version: Version


class WorkflowTriggerCreated(WorkflowTriggerRead):
    secret: str | None = Field(
        description="What a webhook's messages are signed with. It is not shown again."
    )


class WorkflowTriggerRotate(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"what": "secret"}]})

    what: Annotated[
        Literal["secret", "url"],
        Field(
            description="A fresh secret (the one before stays good for 24 hours), or another "
            "address (the one before leads nowhere from then on)."
        ),
    ]


class WorkflowTriggerTimes(Output):
    data: list[datetime] = Field(description="When it is scheduled next, without its jitter.")


class TimesQuery(Input):
    count: Annotated[int, Field(ge=1, le=100, description="How many.")] = 5
    after: Annotated[Moment | None, Field(description="By default: now.")] = None


class WorkflowTriggerFire(Input):
    """What to fire it with, as if it had come."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"body": {"city": "Berlin"}}]})

    body: Annotated[Any, Field(description="Of a webhook or a form.")] = None
    headers: Annotated[
        dict[Text, Annotated[Text, Field(max_length=2000)]],
        Field(max_length=64, description="Of a webhook."),
    ] = Field(default_factory=dict)
    event: Annotated[dict[str, Any], Field(max_length=64, description="Of an event.")] = Field(
        default_factory=dict
    )
    scheduled_at: Annotated[Moment | None, Field(description="Of a time; by default: now.")] = None


class WorkflowDeliveryRead(Output):
    id: UUID
    trigger_id: UUID
    status: Literal["pending", "started", "skipped", "refused", "failed"]
    reason: str | None = Field(description="Why it came to nothing, as a code.")
    detail: str | None
    run_id: UUID | None
    attempts: int
    created_at: datetime
    ended_at: datetime | None


class WorkflowFired(WorkflowDeliveryRead):
    inputs: dict[str, Any] = Field(description="What the run is started with.")


class WorkflowDeliveryQuery(PageQuery):
    status: Annotated[
        Literal["pending", "started", "skipped", "refused", "failed"] | None,
        Field(description="Only those."),
    ] = None


class WorkflowHookAccepted(Output):
    delivery_id: UUID
    run_id: UUID = Field(description="The run that it starts; the same one for the same message.")


class WorkflowFormRead(Output):
    title: str
    description: str
    json_schema: dict[str, Any] = Field(description="Of what is to be filled in.")


class WorkflowFormSubmit(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"data": {"name": "Ada"}}]})

    data: Annotated[dict[str, Any], Field(max_length=200, description="What was filled in.")]
