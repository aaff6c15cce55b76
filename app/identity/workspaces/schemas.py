"""Workspaces on the wire."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from app.core.schema import Input, Name, Output
from app.identity.workspaces.roles import Role

_EXAMPLE: JsonDict = {
    "id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e10",
    "name": "My workspace",
    "kind": "personal",
    "role": "owner",
    "created_at": "2026-11-02T09:30:00Z",
    "updated_at": "2026-11-02T09:30:00Z",
}


class WorkspaceCreate(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Research"}]})

    name: Name


class WorkspaceUpdate(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Applied research"}]})

    name: Name


class WorkspaceRead(Output):
    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    id: UUID
    name: str
    kind: Literal["personal", "team"]
    role: Role = Field(description="What the caller is in it.")
    created_at: datetime
    updated_at: datetime
