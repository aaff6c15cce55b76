"""Service accounts on the wire."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from app.core.schema import Input, Name, NotNull, Output, Text, Version
from app.identity.roles.schemas import RoleChoice
from app.identity.workspaces.schemas import RoleName

_ACCOUNT: JsonDict = {
    "id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e51",
    "user_id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e52",
    "member_id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e53",
    "name": "Nightly import",
    "description": "Feeds the catalogue.",
    "role": "editor",
    "role_id": None,
    "suspended_at": None,
    "created_by_id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11",
    "created_at": "2026-11-02T09:30:00Z",
    "updated_at": "2026-11-02T09:30:00Z",
    "version": 1,
}
Description = Annotated[Text, Field(max_length=1000)]


class ServiceAccountCreate(RoleChoice):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "Nightly import", "role": "editor"}]}
    )

    name: Name
    description: Description = ""


class ServiceAccountUpdate(Input):
    """A merge patch: what is absent stays. Its role is changed where it is a member."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Hourly import"}]})

    name: Annotated[Name | None, NotNull] = None
    description: Annotated[Description | None, NotNull] = None


class ServiceAccountRead(Output):
    model_config = ConfigDict(json_schema_extra={"examples": [_ACCOUNT]})

    id: UUID
    user_id: UUID = Field(description="Who its conversations and runs belong to.")
    member_id: UUID = Field(description="Where its role is changed, and where it is suspended.")
    name: str
    description: str
    role: RoleName
    role_id: UUID | None
    suspended_at: datetime | None
    created_by_id: UUID | None
    created_at: datetime
    updated_at: datetime
    version: Version
