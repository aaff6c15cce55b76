"""Shares on the wire."""

from datetime import datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field
from pydantic.config import JsonDict

from app.core.clock import now
from app.core.schema import Input, NotNull, Output, Version

LONGEST = timedelta(days=366)
_SHARE: JsonDict = {
    "id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e61",
    "resource_type": "conversation",
    "resource_id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11",
    "grantee_type": "member",
    "member_id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e31",
    "role": None,
    "role_id": None,
    "level": "read",
    "expires_at": None,
    "created_by_id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e10",
    "created_at": "2026-11-02T09:30:00Z",
    "updated_at": "2026-11-02T09:30:00Z",
    "version": 1,
}
Level = Annotated[
    Literal["read", "write"], Field(description="`write` lets them take part, not only look.")
]


def _soon(value: AwareDatetime) -> AwareDatetime:
    moment = now()
    if not moment < value <= moment + LONGEST:
        raise ValueError("must be in the future, and within a year")
    return value


Expiry = Annotated[AwareDatetime, AfterValidator(_soon)]


class MemberGrantee(Input):
    """A member of the workspace."""

    type: Literal["member"]
    member_id: UUID


class RoleGrantee(Input):
    """Everyone with a built-in role, or with one of the workspace's own (`custom`)."""

    type: Literal["role"]
    role: Literal["owner", "admin", "editor", "viewer", "custom"]
    role_id: UUID | None = None


class LinkGrantee(Input):
    """Whoever holds the link, with or without an account."""

    type: Literal["link"]


Grantee = Annotated[MemberGrantee | RoleGrantee | LinkGrantee, Field(discriminator="type")]


class ShareCreate(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "grantee": {
                        "type": "member",
                        "member_id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e31",
                    },
                    "level": "read",
                }
            ]
        }
    )

    grantee: Grantee
    level: Level = "read"
    expires_at: Annotated[
        Expiry | None, Field(description="A link needs one; left out, it ends after 30 days.")
    ] = None


class ShareUpdate(Input):
    """A merge patch: what is absent stays; null takes the end away."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"level": "write"}]})

    level: Annotated[Level | None, NotNull] = None
    expires_at: Expiry | None = None


class ShareRead(Output):
    model_config = ConfigDict(json_schema_extra={"examples": [_SHARE]})

    id: UUID
    resource_type: Literal["conversation", "collection", "agent", "template", "workflow"]
    resource_id: UUID
    grantee_type: Literal["member", "role", "link"]
    member_id: UUID | None
    role: Literal["owner", "admin", "editor", "viewer", "custom"] | None
    role_id: UUID | None
    level: Literal["read", "write"]
    expires_at: datetime | None
    created_by_id: UUID | None
    created_at: datetime
    updated_at: datetime
    version: Version


class ShareCreated(ShareRead):
    """A new share; of a link this is the one answer that holds its token."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**_SHARE, "token": None}]})

    token: str | None = Field(
        description=(
            "Of a link, shown once. It travels in the header `X-Share-Token`; in an address of "
            "your own it belongs behind the `#`."
        )
    )
