"""API keys on the wire."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field
from pydantic.config import JsonDict

from app.core.auth import Permission
from app.core.clock import now
from app.core.schema import Input, Name, Output

_LONGEST = timedelta(days=36_525)
_KEY: JsonDict = {
    "id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e14",
    "name": "Backend of the shop",
    "last_four": "x9Qa",
    "scopes": ["conversations:read", "conversations:write", "models:invoke"],
    "expires_at": "2027-11-02T09:30:00Z",
    "revoked_at": None,
    "last_used_at": None,
    "created_at": "2026-11-02T09:30:00Z",
    "updated_at": "2026-11-02T09:30:00Z",
}


def _to_come(value: AwareDatetime) -> AwareDatetime:
    moment = now()
    if value <= moment:
        raise ValueError("must be in the future")
    if value > moment + _LONGEST:
        raise ValueError("must be within a hundred years; leave it out for no expiry")
    return value


class ApiKeyCreate(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "Backend of the shop",
                    "scopes": ["conversations:read", "conversations:write", "models:invoke"],
                    "expires_at": "2027-11-02T09:30:00Z",
                }
            ]
        }
    )

    name: Name
    scopes: Annotated[
        list[Permission] | None,
        Field(
            min_length=1,
            max_length=100,
            description=(
                "What the key may do. Left out: all that you may do, except to change keys, "
                "integrations, workspaces and your profile."
            ),
        ),
    ] = None
    expires_at: Annotated[AwareDatetime, AfterValidator(_to_come)] | None = None


class ApiKeyUpdate(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Backend of both shops"}]})

    name: Name


class ApiKeyRead(Output):
    model_config = ConfigDict(json_schema_extra={"examples": [_KEY]})

    id: UUID
    name: str
    last_four: str
    scopes: list[str]
    expires_at: AwareDatetime | None
    revoked_at: AwareDatetime | None
    last_used_at: AwareDatetime | None = Field(description="To the minute.")
    created_at: AwareDatetime
    updated_at: AwareDatetime


class ApiKeyCreated(ApiKeyRead):
    """The one answer that holds the key itself."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{**_KEY, "key": "lum_live_…thirty random characters and six of checksum…"}]
        }
    )

    key: str = Field(description="Shown once; only its hash is kept.")
