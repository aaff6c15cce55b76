"""API keys on the wire."""

from datetime import timedelta
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    AliasChoices,
    AwareDatetime,
    ConfigDict,
    Field,
    model_validator,
)
from pydantic.config import JsonDict

from app.core.auth import KeyRules, Permission
from app.core.bulk import MOST_ITEMS
from app.core.clock import now
from app.core.limits import MAX_REQUESTS, MAX_SECONDS, MAX_TOKENS, TokenLimit
from app.core.schema import (
    Input,
    Metadata,
    Name,
    NotNull,
    Output,
    Text,
    Version,
    WholeNumber,
)
from app.identity.api_keys.addresses import normal
from app.identity.api_keys.limits import limits_of
from app.identity.api_keys.rules import rules_of

MAX_OVERLAP_SECONDS = 7 * 86_400
_LONGEST = timedelta(days=36_525)
_KEY: JsonDict = {
    "id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e14",
    "name": "Backend of the shop",
    "last_four": "x9Qa",
    "scopes": ["conversations:read", "conversations:write", "models:invoke"],
    "allowed_addresses": ["203.0.113.0/24", "2001:db8::/32"],
    "limits": [{"requests": 600, "seconds": 60}],
    "models": ["openai/gpt-*", "cheap"],
    "features": ["chat", "embeddings"],
    "tokens": [{"tokens": 200000, "seconds": 60}],
    "concurrency": 20,
    "route": "cheap",
    "tags": ["shop"],
    "tags_fixed": True,
    "customer": None,
    "metadata": {"team": "blue"},
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


class ApiKeyTokenLimit(Input):
    """At most `tokens`, of input and output, within `seconds`, filling evenly."""

    model_config = ConfigDict(
        from_attributes=True, json_schema_extra={"examples": [{"tokens": 200000, "seconds": 60}]}
    )

    tokens: Annotated[WholeNumber, Field(ge=1, le=MAX_TOKENS)]
    seconds: Annotated[WholeNumber, Field(ge=1, le=MAX_SECONDS)]

    @model_validator(mode="after")
    def _usable(self) -> Self:
        TokenLimit("key", self.tokens, self.seconds)
        return self


def _window_once(limits: list[ApiKeyTokenLimit]) -> list[ApiKeyTokenLimit]:
    if len({limit.seconds for limit in limits}) < len(limits):
        raise ValueError("must name each number of seconds once")
    return limits


Models = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^?\[\]\x00]+$")]],
    Field(
        min_length=1,
        max_length=100,
        description=(
            "The models and routes that the key may name, as patterns with `*` (`openai/gpt-*`); "
            "null: all."
        ),
    ),
]
Feature = Literal["chat", "embeddings", "audio", "images", "batches", "files", "fine_tuning"]
Features = Annotated[
    list[Feature],
    Field(min_length=1, max_length=7, description="What the key may be used for; null: all."),
]
Tokens = Annotated[
    list[ApiKeyTokenLimit],
    Field(max_length=5, description="The key's own limits in tokens of input and output."),
    AfterValidator(_window_once),
]
Concurrency = Annotated[
    WholeNumber, Field(ge=1, le=10_000, description="Calls that may be under way at once.")
]
RouteName = Annotated[
    Text,
    Field(
        min_length=1,
        max_length=200,
        description="The route or model that answers where a request leaves it open.",
    ),
]
Tags = Annotated[
    list[Annotated[Text, Field(min_length=1, max_length=64)]],
    Field(max_length=20, description="Labels of its calls: budgets and reports go by them."),
    AfterValidator(lambda given: list(dict.fromkeys(given))),
]
TagsFixed = Annotated[
    bool, Field(description="Whether requests may name no other tags than the key's own.")
]
CustomerId = Annotated[
    Text,
    Field(
        min_length=1,
        max_length=256,
        description="Your id of the end user whom all its calls are for; null: as requests say.",
    ),
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
                "What the key may do. Left out: all that you may do, except to decide tasks and "
                "to change keys, budgets, caches, customers, guardrails, prices, integrations, "
                "members, roles, routes, service accounts, shares, single sign-on, privacy, tools, "
                "workspaces and your profile."
            ),
        ),
    ] = None
    expires_at: Annotated[AwareDatetime, AfterValidator(_to_come)] | None = None
    allowed_addresses: Networks = Field(default_factory=list)
    limits: Limits = Field(default_factory=list)
    models: Models | None = None
    features: Features | None = None
    tokens: Tokens = Field(default_factory=list)
    concurrency: Concurrency | None = None
    route: RouteName | None = None
    tags: Tags = Field(default_factory=list)
    tags_fixed: TagsFixed = False
    customer: CustomerId | None = None
    metadata: Annotated[
        Metadata, Field(default_factory=dict, description="Your own labels; at most 16 KiB.")
    ]

    @property
    def rules(self) -> KeyRules:
        """What the key is to be held to."""
        return rules_of(self.model_copy(update={"tokens": self.model_dump()["tokens"]}))


class ApiKeyUpdate(Input):
    """A merge patch: what is absent stays; null takes away."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Backend of both shops"}]})

    name: Annotated[Name | None, NotNull] = None
    allowed_addresses: Networks | None = None
    limits: Limits | None = None
    models: Models | None = None
    features: Features | None = None
    tokens: Tokens | None = None
    concurrency: Concurrency | None = None
    route: RouteName | None = None
    tags: Tags | None = None
    tags_fixed: Annotated[TagsFixed | None, NotNull] = None
    customer: CustomerId | None = None
    metadata: Metadata | None = None

    def ruled(self) -> dict[str, Any]:
        """The rules that are given, by the names of a key's columns."""
        named = {
            "models", "features", "tokens", "concurrency", "route", "tags", "tags_fixed",
            "customer",
        }  # fmt: skip
        told = self.model_dump(include=named, exclude_unset=True)
        empty: dict[str, Any] = {"tokens": [], "tags": []}
        return {name: empty.get(name) if value is None else value for name, value in told.items()}


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
    models: list[str] | None = Field(description="Null: all models and routes.")
    features: list[str] | None = Field(description="Null: everything.")
    tokens: list[ApiKeyTokenLimit]
    concurrency: int | None
    route: str | None = Field(description="What answers where a request leaves it open.")
    tags: list[str]
    tags_fixed: bool = Field(description="Whether requests may name no other tags.")
    customer: str | None = Field(description="Whom all its calls are for; null: as requests say.")
    metadata: dict[str, Any] = Field(validation_alias=AliasChoices("labels", "metadata"))
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
