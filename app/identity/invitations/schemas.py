"""Invitations on the wire."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from app.core.bulk import MOST_ITEMS
from app.core.paging import PageQuery
from app.core.schema import Input, Output, Version, WholeNumber
from app.identity.link_tokens import MOST_CHARACTERS
from app.identity.members.schemas import MemberRead
from app.identity.roles.schemas import RoleChoice
from app.identity.users.schemas import Email
from app.identity.workspaces.schemas import RoleName, WorkspaceRead

_INVITATION: JsonDict = {
    "id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e41",
    "kind": "email",
    "email": "grace@example.com",
    "role": "editor",
    "role_id": None,
    "status": "pending",
    "max_uses": 1,
    "use_count": 0,
    "invited_by_id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11",
    "expires_at": "2026-11-09T09:30:00Z",
    "revoked_at": None,
    "sent_at": "2026-11-02T09:30:00Z",
    "created_at": "2026-11-02T09:30:00Z",
    "updated_at": "2026-11-02T09:30:00Z",
    "version": 1,
}
Hours = Annotated[
    WholeNumber,
    Field(ge=1, le=24 * 90, description="How long it is good, from now; 168 is a week."),
]


class InvitationCreate(RoleChoice):
    """An invitation for one address, used once."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"email": "grace@example.com", "role": "editor"}]}
    )

    email: Email
    expires_in_hours: Hours = 168


class InvitationLinkCreate(RoleChoice):
    """An invitation for whoever holds its token."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"role": "viewer", "max_uses": 25}]})

    max_uses: Annotated[WholeNumber, Field(ge=1, le=1000)] = 1
    expires_in_hours: Hours = 168


class InvitationBulk(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"items": [{"email": "grace@example.com", "role": "editor"}]}]
        }
    )

    items: Annotated[list[InvitationCreate], Field(min_length=1, max_length=MOST_ITEMS)]


class InvitationAccept(Input):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"token": "the token of the mail or of the link"}]}
    )

    token: Annotated[str, Field(min_length=1, max_length=MOST_CHARACTERS)]


class InvitationQuery(PageQuery):
    status: Literal["pending", "accepted", "expired", "revoked"] | None = None


class InvitationRead(Output):
    model_config = ConfigDict(json_schema_extra={"examples": [_INVITATION]})

    id: UUID
    kind: Literal["email", "link"]
    email: str | None
    role: RoleName
    role_id: UUID | None
    status: Literal["pending", "accepted", "expired", "revoked"] = Field(
        description="`accepted` once it was used as often as it may be."
    )
    max_uses: int
    use_count: int
    invited_by_id: UUID | None
    expires_at: datetime
    revoked_at: datetime | None
    sent_at: datetime | None = Field(description="When it was last mailed.")
    created_at: datetime
    updated_at: datetime
    version: Version


class InvitationLinkCreated(InvitationRead):
    """The one answer that holds the token of a link."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {**_INVITATION, "kind": "link", "email": None, "sent_at": None, "token": "…"}
            ]
        }
    )

    token: str = Field(description="Shown once. In a link it belongs behind the `#`.")


class InvitationAccepted(Output):
    """Where the caller is a member now, and as what."""

    workspace: WorkspaceRead
    member: MemberRead
