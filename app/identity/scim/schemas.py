"""SCIM tokens on the wire."""

from datetime import datetime
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field
from pydantic.config import JsonDict

from app.core.schema import Input, Name, Output, Version

_TOKEN: JsonDict = {
    "id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e51",
    "connection_id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e31",
    "name": "Directory",
    "last_four": "w4kQ",
    "expires_at": None,
    "revoked_at": None,
    "last_used_at": None,
    "version": 1,
    "created_at": "2026-11-02T09:30:00Z",
    "updated_at": "2026-11-02T09:30:00Z",
}


class ScimTokenCreate(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"connection_id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e31", "name": "Directory"}
            ]
        }
    )

    connection_id: UUID = Field(description="Its group roles and default role apply.")
    name: Name
    expires_at: AwareDatetime | None = None


class ScimTokenRead(Output):
    model_config = ConfigDict(json_schema_extra={"examples": [_TOKEN]})

    id: UUID
    connection_id: UUID
    name: str
    last_four: str
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    version: Version
    created_at: datetime
    updated_at: datetime


class ScimTokenCreated(ScimTokenRead):
    """The token itself is shown here and never again."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{**_TOKEN, "token": "lum_scim_…", "base_url": "https://…/scim/v2"}]
        }
    )

    token: str
    base_url: str = Field(description="What the directory is told beside the token.")
