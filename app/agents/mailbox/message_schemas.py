"""Messages of mailboxes on the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from pydantic import AfterValidator, ConfigDict, Field

from app.agents.mailbox.schemas import LONGEST_TTL, AddressText, Tag, Tags, Ttl
from app.core.paging import PageQuery
from app.core.schema import Input, Moment, Output, Text, WholeNumber

MOST_CONTENT = 256 * 1024

Status = Literal["waiting", "acked", "dead", "dropped"]
MessageType = Annotated[
    Text, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$")
]
CorrelationId = Annotated[Text, Field(min_length=1, max_length=200)]
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
