"""Leases of messages on the wire: taking them, and what becomes of them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field, JsonValue

from app.agents.mailbox.message_schemas import DelaySeconds, MailboxMessageRead
from app.core.schema import Input, Output, Text, WholeNumber

MOST_LEASED = 100
MOST_REDRIVEN = 500
LONGEST_LEASE = 43_200

LeaseSeconds = Annotated[
    WholeNumber,
    Field(ge=1, le=LONGEST_LEASE, description="After that, it is delivered again."),
]


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
