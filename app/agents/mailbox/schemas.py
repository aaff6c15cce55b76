"""Mailboxes on the wire."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from app.agents.mailbox.addresses import LONGEST, SLUG
from app.core.restorable import RestorableQuery
from app.core.schema import Input, NotNull, Output, Text, Version, WholeNumber

LONGEST_TTL = 30 * 86_400

Kind = Literal["agent", "user", "service"]
AddressText = Annotated[
    Text,
    Field(
        min_length=1,
        max_length=LONGEST,
        description="`agent:<id or slug>`, `user:<id>` or `service:<slug>`.",
    ),
]
Tag = Annotated[Text, Field(min_length=1, max_length=64, pattern=f"^{SLUG}$")]
Tags = Annotated[list[Tag], Field(max_length=32)]
Capacity = Annotated[
    WholeNumber, Field(ge=1, le=100_000, description="How many messages may wait in it.")
]
MaxDeliveries = Annotated[
    WholeNumber,
    Field(ge=1, le=100, description="Delivered so often in vain, a message is a dead letter."),
]
Ttl = Annotated[
    WholeNumber,
    Field(ge=1, le=LONGEST_TTL, description="Seconds after which a message is a dead letter."),
]
Ageing = Annotated[
    WholeNumber,
    Field(
        ge=1,
        le=86_400,
        description="Seconds of waiting that count as one more point of priority.",
    ),
]


class MailboxCreate(Input):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"address": "service:orders", "tags": ["orders"]}]}
    )

    address: AddressText
    tags: Annotated[Tags, Field(description="Groups that broadcasts reach.")] = Field(
        default_factory=list
    )
    capacity: Capacity = 10_000
    max_deliveries: MaxDeliveries = 5
    ttl_seconds: Ttl = 604_800
    ageing_seconds: Ageing = 60


class MailboxUpdate(Input):
    """A merge patch."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"tags": ["orders", "emea"]}]})

    tags: Annotated[Tags | None, NotNull] = None
    capacity: Annotated[Capacity | None, NotNull] = None
    max_deliveries: Annotated[MaxDeliveries | None, NotNull] = None
    ttl_seconds: Annotated[Ttl | None, NotNull] = None
    ageing_seconds: Annotated[Ageing | None, NotNull] = None


class MailboxQuery(RestorableQuery):
    kind: Annotated[Kind | None, Field(description="Only those.")] = None
    tag: Annotated[Tag | None, Field(description="Only those of this group.")] = None


class MailboxRead(Output):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11",
                    "address": "service:orders",
                    "kind": "service",
                    "tags": ["orders"],
                    "capacity": 10_000,
                    "max_deliveries": 5,
                    "ttl_seconds": 604_800,
                    "ageing_seconds": 60,
                    "depth": 3,
                    "leased": 1,
                    "dead": 0,
                    "oldest_at": "2026-11-02T09:30:00Z",
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
    kind: Kind
    tags: list[str]
    capacity: int
    max_deliveries: int
    ttl_seconds: int
    ageing_seconds: int
    depth: int = Field(description="Messages that wait, the leased ones included.")
    leased: int
    dead: int = Field(description="Dead letters.")
    oldest_at: datetime | None = Field(description="Since when the oldest of them waits.")
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    restorable_until: datetime | None
    version: Version
