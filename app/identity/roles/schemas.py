"""Roles on the wire."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from app.core.auth import Permission
from app.core.restorable import RestorableQuery
from app.core.schema import Input, Name, NotNull, Output, Text, Version
from app.identity.workspaces.schemas import RoleName

_ROLE: JsonDict = {
    "id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e21",
    "name": "Auditor",
    "description": "Reads the audit trail.",
    "permissions": ["audit:read", "members:read"],
    "created_at": "2026-11-02T09:30:00Z",
    "updated_at": "2026-11-02T09:30:00Z",
    "deleted_at": None,
    "restorable_until": None,
    "version": 1,
}
Permissions = Annotated[
    list[Permission],
    Field(min_length=1, max_length=100, description="What the role allows; none that you lack."),
]
Description = Annotated[Text, Field(max_length=1000)]


class RoleChoice(Input):
    """A built-in role, or `custom` with the `role_id` of one of the workspace's own."""

    role: RoleName
    role_id: UUID | None = None


class RoleCreate(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"name": "Auditor", "permissions": ["audit:read", "members:read"]}]
        }
    )

    name: Name
    description: Description = ""
    permissions: Permissions


class RoleUpdate(Input):
    """A merge patch: what is absent stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"permissions": ["audit:read"]}]})

    name: Annotated[Name | None, NotNull] = None
    description: Annotated[Description | None, NotNull] = None
    permissions: Annotated[Permissions | None, NotNull] = None


class RoleQuery(RestorableQuery):
    """Which of the workspace's own roles."""


class RoleRead(Output):
    model_config = ConfigDict(json_schema_extra={"examples": [_ROLE]})

    id: UUID
    name: str
    description: str
    permissions: list[str]
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    restorable_until: datetime | None
    version: Version


class BuiltinRole(Output):
    name: Literal["owner", "admin", "editor", "viewer"]
    permissions: list[Permission]


class BuiltinRoles(Output):
    """The roles that every workspace has, the strongest first."""

    data: list[BuiltinRole]
