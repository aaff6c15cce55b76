"""Workspaces on the wire."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from app.core.paging import PageQuery
from app.core.schema import Input, Name, Output, Version

RoleName = Annotated[
    Literal["owner", "admin", "editor", "viewer", "custom"],
    Field(description="A built-in role, or `custom` where `role_id` names one of the workspace's."),
]
_EXAMPLE: JsonDict = {
    "id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e10",
    "name": "My workspace",
    "kind": "personal",
    "role": "owner",
    "role_id": None,
    "created_at": "2026-11-02T09:30:00Z",
    "updated_at": "2026-11-02T09:30:00Z",
    "deleted_at": None,
    "restorable_until": None,
    "version": 1,
}


class WorkspaceCreate(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Research"}]})

    name: Name


class WorkspaceUpdate(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Applied research"}]})

    name: Name


class WorkspaceQuery(PageQuery):
    deleted: Annotated[bool, Field(description="List the deleted ones that you own instead.")] = (
        False
    )


class WorkspaceRead(Output):
    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    id: UUID
    name: str
    kind: Literal["personal", "team"]
    role: RoleName
    role_id: UUID | None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    restorable_until: datetime | None
    version: Version
