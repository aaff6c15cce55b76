"""Mailboxes and their messages on the wire."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from pydantic import AfterValidator, ConfigDict, Field, JsonValue

from app.agents.mailbox.addresses import LONGEST, SLUG
from app.core.paging import PageQuery
from app.core.restorable import RestorableQuery
from app.core.schema import Input, Moment, NotNull, Output, Text, Version, WholeNumber

MOST_CONTENT = 256 * 1024
MOST_LEASED = 100
MOST_REDRIVEN = 500
LONGEST_LEASE = 43_200
LONGEST_TTL = 30 * 86_400

Kind = Literal["agent", "user", "service"]
Status = Literal["waiting", "acked", "dead", "dropped"]
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
MessageType = Annotated[
    Text, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$")
]
CorrelationId = Annotated[Text, Field(min_length=1, max_length=200)]
LeaseSeconds = Annotated[
    WholeNumber,
    Field(ge=1, le=LONGEST_LEASE, description="After that, it is delivered again."),
]
DelaySeconds = Annotated[WholeNumber, Field(ge=0, le=LONGEST_TTL)]


def _bounded(content: Any) -> Any:
    try:
        size = len(orjson.dumps(content))
    except TypeError as error:
        raise ValueError("is no JSON that can be kept") from error
    if size > MOST_CONTENT:
        raise ValueError("must be at most 256 KiB of JSON")
    return content


Content = Annotated[
    Any, AfterValidator(_bounded), Field(description="Any JSON, of at most 256 KiB.")
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


class MailboxLetter(Input):
    """What a message says, and how it is to be handled."""

    content: Content
    type: MessageType = "message"
    tags: Tags = Field(default_factory=list)
    priority: Annotated[
        WholeNumber, Field(ge=0, le=9, description="9 goes first; waiting adds to it.")
    ] = 0
    sender: Annotated[
        AddressText | None, Field(description="A service's mailbox; default: you.")
    ] = None
    delay_seconds: Annotated[DelaySeconds, Field(description="Not delivered before.")] = 0
    ttl_seconds: Annotated[Ttl | None, Field(description="Default: the mailbox's own.")] = None
    deadline: Annotated[Moment | None, Field(description="Nobody needs it after this moment.")] = (
        None
    )
    correlation_id: Annotated[
        CorrelationId | None, Field(description="What its answer is known by.")
    ] = None
    reply_to: Annotated[
        AddressText | None, Field(description="Where its answer goes; null: none is wanted.")
    ] = None
    dedup_id: Annotated[
        Text | None,
        Field(
            min_length=1,
            max_length=200,
            description="Sent again within 24 hours, with the same sender and address, it is not "
            "delivered twice.",
        ),
    ] = None


class MailboxMessageCreate(MailboxLetter):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"content": {"order": 42}, "type": "order.placed"}]}
    )


class MailboxBroadcast(MailboxLetter):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"tag": "orders", "content": {"order": 42}}]}
    )

    tag: Tag


class MailboxReply(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"content": {"done": True}}]})

    content: Content
    type: MessageType = "reply"
    priority: Annotated[WholeNumber, Field(ge=0, le=9)] = 0
    receipt: Annotated[
        UUID | None, Field(description="Of the lease; it is acknowledged with the answer.")
    ] = None


class MailboxDelivery(Output):
    """One copy of a message: where it came to."""

    id: UUID | None = Field(description="Null where the mailbox did not take it.")
    address: str
    status: Literal["waiting", "acked", "dead", "dropped", "refused"]
    reason: str | None = Field(description="Why it is dead, or was refused.")


class MailboxSent(Output):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "duplicate": False,
                    "correlation_id": None,
                    "deliveries": [
                        {
                            "id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11",
                            "address": "service:orders",
                            "status": "waiting",
                            "reason": None,
                        }
                    ],
                }
            ]
        }
    )

    duplicate: bool = Field(description="It had been sent before; these are its deliveries.")
    correlation_id: str | None
    deliveries: list[MailboxDelivery]


class MailboxMessageQuery(PageQuery):
    status: Annotated[Status | None, Field(description="Only those.")] = None
    sender: Annotated[AddressText | None, Field(description="Only from there.")] = None
    type: Annotated[MessageType | None, Field(description="Only of this type.")] = None
    correlation_id: CorrelationId | None = None


class DeadLetterQuery(PageQuery):
    sender: Annotated[AddressText | None, Field(description="Only from there.")] = None
    type: Annotated[MessageType | None, Field(description="Only of this type.")] = None


class MailboxMessageRead(Output):
    id: UUID
    sender: str
    addressed_to: str = Field(description="Where it was sent, before any rule.")
    type: str
    content: Any
    tags: list[str]
    priority: int
    correlation_id: str | None
    reply_to: str | None
    in_reply_to_id: UUID | None
    dedup_id: str | None
    hops: int = Field(description="Rules and answers behind it; 16 at most.")
    status: Status
    deliveries: int
    available_at: datetime
    expires_at: datetime
    leased_until: datetime | None
    dead_reason: str | None
    last_error: str | None
    ended_at: datetime | None
    run_id: UUID | None = Field(description="The run of an agent that answers it.")
    created_at: datetime


class LeaseRequest(Input):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"max": 10, "wait_seconds": 0, "lease_seconds": 60}]}
    )

    max: Annotated[WholeNumber, Field(ge=1, le=MOST_LEASED)] = 10
    wait_seconds: Annotated[
        WholeNumber, Field(ge=0, le=20, description="How long to wait for the first one.")
    ] = 0
    lease_seconds: LeaseSeconds = 60


class LeasedMessage(Output):
    receipt: UUID = Field(description="What acknowledges this delivery.")
    leased_until: datetime
    message: MailboxMessageRead


class LeasedMessages(Output):
    data: list[LeasedMessage]


Receipts = Annotated[list[UUID], Field(min_length=1, max_length=MOST_LEASED)]
_RECEIPTS: list[JsonValue] = ["01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11"]


class AckRequest(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"receipts": _RECEIPTS}]})

    receipts: Receipts


class NackRequest(Input):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"receipts": _RECEIPTS, "delay_seconds": 30}]}
    )

    receipts: Receipts
    delay_seconds: Annotated[
        DelaySeconds, Field(description="It is delivered again after that.")
    ] = 0
    reject: Annotated[bool, Field(description="Make it a dead letter at once.")] = False
    error: Annotated[Text | None, Field(max_length=2000, description="What went wrong.")] = None


class ExtendRequest(Input):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"receipts": _RECEIPTS, "lease_seconds": 120}]}
    )

    receipts: Receipts
    lease_seconds: Annotated[LeaseSeconds, Field(description="From now on.")] = 60


class RedriveRequest(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"ids": _RECEIPTS}]})

    ids: Annotated[
        list[UUID] | None,
        Field(
            min_length=1,
            max_length=MOST_REDRIVEN,
            description="Null: the oldest 500, or as many as the mailbox takes.",
        ),
    ] = None


class Redriven(Output):
    redriven: int


class AwaitReply(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"message_id": _RECEIPTS[0]}]})

    message_id: Annotated[UUID, Field(description="Of the message that is to be answered.")]
    wait_seconds: Annotated[
        WholeNumber, Field(ge=0, le=20, description="How long to wait for the answer.")
    ] = 0


def leased(messages: Sequence[Any]) -> LeasedMessages:
    """Messages that were just leased, each with its receipt."""
    return LeasedMessages(
        data=[
            LeasedMessage(
                receipt=message.lease_id,
                leased_until=message.leased_until,
                message=MailboxMessageRead.model_validate(message),
            )
            for message in messages
        ]
    )
