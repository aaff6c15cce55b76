"""API keys on the wire."""

from datetime import timedelta
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    ConfigDict,
    Field,
    model_validator,
)
from pydantic.config import JsonDict

from app.core.auth import Permission
from app.core.bulk import MOST_ITEMS
from app.core.clock import now
from app.core.limits import MAX_REQUESTS, MAX_SECONDS
from app.core.schema import Input, Name, NotNull, Output, Version, WholeNumber
from app.identity.api_keys.addresses import normal
from app.identity.api_keys.limits import limits_of

MAX_OVERLAP_SECONDS = 7 * 86_400
_LONGEST = timedelta(days=36_525)
_KEY: JsonDict = {
    "id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e14",
    "name": "Backend of the shop",
    "last_four": "x9Qa",
    "scopes": ["conversations:read", "conversations:write", "models:invoke"],
    "allowed_addresses": ["203.0.113.0/24", "2001:db8::/32"],
    "limits": [{"requests": 600, "seconds": 60}],
    "expires_at": "2027-11-02T09:30:00Z",
    "previous_valid_until": None,
    "revoked_at": None,
    "last_used_at": None,
    "last_used_address": None,
    "created_at": "2026-11-02T09:30:00Z",
    "updated_at": "2026-11-02T09:30:00Z",
    "version": 1,
}


def _to_come(value: AwareDatetime) -> AwareDatetime:
    moment = now()
    if value <= moment:
        raise ValueError("must be in the future")
    if value > moment + _LONGEST:
        raise ValueError("must be within a hundred years; leave it out for no expiry")
    return value


def _network(value: str) -> str:
    try:
        return normal(value)
    except ValueError as error:
        raise ValueError(f"is not an address or a network: {error}") from None


Networks = Annotated[
    list[Annotated[str, Field(max_length=49), AfterValidator(_network)]],
    Field(
        max_length=100,
        description=(
            "The addresses (`203.0.113.7`) and networks (`2001:db8::/32`) that the key serves; "
            "none for every one."
        ),
    ),
]


class ApiKeyLimit(Input):
    """At most `requests` within `seconds`, filling evenly."""

    model_config = ConfigDict(
        from_attributes=True, json_schema_extra={"examples": [{"requests": 600, "seconds": 60}]}
    )

    requests: Annotated[WholeNumber, Field(ge=1, le=MAX_REQUESTS)]
    seconds: Annotated[WholeNumber, Field(ge=1, le=MAX_SECONDS)]

    @model_validator(mode="after")
    def _usable(self) -> Self:
        limits_of([self.model_dump()])
        return self


def _each_once(limits: list[ApiKeyLimit]) -> list[ApiKeyLimit]:
    if len({limit.seconds for limit in limits}) < len(limits):
        raise ValueError("must name each number of seconds once")
    return limits


Limits = Annotated[
    list[ApiKeyLimit],
    Field(
        max_length=5,
        description="The key's own rate limits, beside those that hold for everyone.",
    ),
    AfterValidator(_each_once),
]


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
                "integrations, members, roles, service accounts, shares, single sign-on, privacy, "
                "workspaces and your profile."
            ),
        ),
    ] = None
    expires_at: Annotated[AwareDatetime, AfterValidator(_to_come)] | None = None
    allowed_addresses: Networks = Field(default_factory=list)
    limits: Limits = Field(default_factory=list)


class ApiKeyUpdate(Input):
    """A merge patch: what is absent stays; null takes away."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Backend of both shops"}]})

    name: Annotated[Name | None, NotNull] = None
    allowed_addresses: Networks | None = None
    limits: Limits | None = None


class ApiKeyRotate(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"overlap_seconds": 86400}]})

    overlap_seconds: Annotated[
        WholeNumber,
        Field(
            ge=0,
            le=MAX_OVERLAP_SECONDS,
            description="How long the key of before works on; 0 ends it at once.",
        ),
    ]


class ApiKeyBulkItem(Input):
    action: Literal["revoke"]
    id: UUID


class ApiKeyBulk(Input):
    items: Annotated[list[ApiKeyBulkItem], Field(min_length=1, max_length=MOST_ITEMS)]


class ApiKeyRead(Output):
    model_config = ConfigDict(json_schema_extra={"examples": [_KEY]})

    id: UUID
    name: str
    last_four: str
    scopes: list[str]
    allowed_addresses: list[str]
    limits: list[ApiKeyLimit]
    expires_at: AwareDatetime | None
    previous_valid_until: AwareDatetime | None = Field(
        description="Until when the key before the last rotation works."
    )
    revoked_at: AwareDatetime | None
    last_used_at: AwareDatetime | None = Field(description="To the minute.")
    last_used_address: str | None
    created_at: AwareDatetime
    updated_at: AwareDatetime
    version: Version


class ApiKeyCreated(ApiKeyRead):
    """The one answer that holds the key itself."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{**_KEY, "key": "lum_live_…thirty random characters and six of checksum…"}]
        }
    )

    key: str = Field(description="Shown once; only its hash is kept.")


def created(row: object, key: str) -> ApiKeyCreated:
    """A stored key together with the key itself."""
    return ApiKeyCreated(**ApiKeyRead.model_validate(row).model_dump(), key=key)
