"""Subscriptions on the wire."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field

from app.agents.mailbox.schemas import AddressText
from app.core.restorable import RestorableQuery
from app.core.schema import DecimalText, Input, Money, NotNull, Output, Text, Version, WholeNumber

Concurrency = Annotated[
    WholeNumber, Field(ge=1, le=50, description="How many messages it answers at once.")
]
Budget = Annotated[
    Decimal | None,
    Field(gt=0, le=1_000_000, description="US dollars a day (UTC); null: no bound of its own."),
    DecimalText(),
]
Label = Annotated[Text, Field(min_length=1, max_length=64, pattern=r"^[a-z][a-z0-9_-]*$")]


class MailboxSubscriptionCreate(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"address": "agent:support", "concurrency": 4, "budget_usd_per_day": "5.00"}
            ]
        }
    )

    address: AddressText
    label: Annotated[
        Label | None,
        Field(description="Which version answers; null: production, or else the newest."),
    ] = None
    concurrency: Concurrency = 1
    budget_usd_per_day: Budget = None
    paused: bool = False


class MailboxSubscriptionUpdate(Input):
    """A merge patch."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"paused": True}]})

    label: Label | None = None
    concurrency: Annotated[Concurrency | None, NotNull] = None
    budget_usd_per_day: Budget = None
    paused: Annotated[bool | None, NotNull] = None


class MailboxSubscriptionQuery(RestorableQuery):
    paused: Annotated[bool | None, Field(description="Only those that are, or are not.")] = None


class MailboxSubscriptionRead(Output):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11",
                    "address": "agent:01976f6e-2d3a-7c41-9d52-6a1f0c9b7e12",
                    "agent_id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e12",
                    "user_id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e13",
                    "label": None,
                    "concurrency": 4,
                    "budget_usd_per_day": "5",
                    "paused": False,
                    "paused_reason": None,
                    "spent_on": "2026-11-02",
                    "spent_usd": "0.42",
                    "created_at": "2026-11-02T09:30:00Z",
                    "updated_at": "2026-11-02T09:30:00Z",
                    "deleted_at": None,
                    "restorable_until": None,
                    "version": 1,
                }
            ]
        }
    )

    id: UUID
    address: str
    agent_id: UUID
    user_id: UUID = Field(description="On whose behalf it answers, with what they may do.")
    label: str | None
    concurrency: int
    budget_usd_per_day: Money | None
    paused: bool
    paused_reason: str | None = Field(description="Why the service paused it.")
    spent_on: date | None = Field(description="The day that `spent_usd` is about.")
    spent_usd: Money
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    restorable_until: datetime | None
    version: Version
