"""Members on the wire."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from app.core.paging import PageQuery
from app.core.schema import Output, Text, Version
from app.identity.roles.schemas import RoleChoice
from app.identity.workspaces.schemas import RoleName

_MEMBER: JsonDict = {
    "id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e31",
    "user_id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11",
    "kind": "person",
    "name": "Ada",
    "email": "ada@example.com",
    "role": "editor",
    "role_id": None,
    "suspended_at": None,
    "created_at": "2026-11-02T09:30:00Z",
    "updated_at": "2026-11-02T09:30:00Z",
    "version": 1,
}


class MemberUpdate(RoleChoice):
    """The role a member gets."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"role": "admin"}]})


class MemberQuery(PageQuery):
    q: Annotated[
        Text | None,
        Field(min_length=1, max_length=200, description="Part of a name or an e-mail address."),
    ] = None
    role: RoleName | None = None
    suspended: bool | None = None


class MemberRead(Output):
    model_config = ConfigDict(json_schema_extra={"examples": [_MEMBER]})

    id: UUID
    user_id: UUID
    kind: Literal["person", "service"]
    name: str
    email: str | None = Field(description="None of a service account.")
    role: RoleName
    role_id: UUID | None
    suspended_at: datetime | None
    created_at: datetime
    updated_at: datetime
    version: Version
