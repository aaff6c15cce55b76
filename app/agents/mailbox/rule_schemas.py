"""Rules on the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from app.agents.mailbox.addresses import LONGEST, parse, tag_of
from app.agents.mailbox.schemas import Tags
from app.core.restorable import RestorableQuery
from app.core.schema import Input, Name, NotNull, Output, Text, Version, WholeNumber


def _address_or_tag(text: str) -> str:
    if parse(text) is None and tag_of(text) is None:
        raise ValueError("must be an address or `tag:<tag>`")
    return text


Target = Annotated[
    Text,
    Field(min_length=1, max_length=LONGEST, description="An address, or `tag:<tag>`."),
    AfterValidator(_address_or_tag),
]
Pattern = Annotated[
    Text,
    Field(
        min_length=1,
        max_length=LONGEST,
        pattern=r"^[^*]+\*?$|^\*$",
        description="Whole, or with a `*` at its end.",
    ),
]


class ContentTest(Input):
    """A place in the content, and what must stand there."""

    pointer: Annotated[
        Text,
        Field(
            max_length=500,
            pattern=r"^(/([^~/]|~[01])*)*$",
            description="A JSON Pointer (RFC 6901).",
        ),
    ]
    exists: Annotated[bool | None, Field(description="Whether anything stands there.")] = None
    one_of: Annotated[
        list[str | int | float | bool | None] | None,
        Field(min_length=1, max_length=32, description="It is one of these."),
    ] = None

    @model_validator(mode="after")
    def _one_test(self) -> "ContentTest":
        if (self.exists is None) == (self.one_of is None):
            raise ValueError("takes either `exists` or `one_of`")
        return self


class MailboxCondition(Input):
    """All that is given must hold; nothing given: every message."""

    to: Annotated[Target | None, Field(description="Where it was sent, or was led by a rule.")] = (
        None
    )
    sender: Pattern | None = None
    type: Pattern | None = None
    tags: Annotated[Tags, Field(description="It has all of these.")] = Field(default_factory=list)
    content: Annotated[list[ContentTest], Field(max_length=8)] = Field(default_factory=list)


class DeliverAction(Input):
    """Lead it to another mailbox, or to each of a group; rules are then asked again."""

    type: Literal["deliver"]
    to: Target


class TagAction(Input):
    """Add tags, and go on with the next rule."""

    type: Literal["tag"]
    tags: Annotated[Tags, Field(min_length=1)]


class DropAction(Input):
    """Deliver it to nobody."""

    type: Literal["drop"]


class DeadLetterAction(Input):
    """Make it a dead letter at once."""

    type: Literal["dead_letter"]


Action = Annotated[
    DeliverAction | TagAction | DropAction | DeadLetterAction, Field(discriminator="type")
]
_EXAMPLE: dict[str, Any] = {
    "name": "Refunds go to finance",
    "condition": {
        "to": "service:orders",
        "type": "order.*",
        "content": [{"pointer": "/kind", "one_of": ["refund"]}],
    },
    "action": {"type": "deliver", "to": "service:finance"},
}


class MailboxRuleCreate(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    name: Name
    position: Annotated[
        WholeNumber, Field(ge=0, le=1_000_000, description="The smallest is asked first.")
    ] = 0
    enabled: bool = True
    condition: MailboxCondition = MailboxCondition()
    action: Action


class MailboxRuleUpdate(Input):
    """A merge patch; condition and action are replaced whole."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"enabled": False}]})

    name: Annotated[Name | None, NotNull] = None
    position: Annotated[WholeNumber | None, Field(ge=0, le=1_000_000), NotNull] = None
    enabled: Annotated[bool | None, NotNull] = None
    condition: Annotated[MailboxCondition | None, NotNull] = None
    action: Annotated[Action | None, NotNull] = None


class MailboxRuleQuery(RestorableQuery):
    enabled: Annotated[bool | None, Field(description="Only those that hold, or do not.")] = None


class MailboxRuleRead(Output):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11",
                    **_EXAMPLE,
                    "position": 0,
                    "enabled": True,
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
    name: str
    position: int
    enabled: bool
    condition: MailboxCondition
    action: Action
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    restorable_until: datetime | None
    version: Version
