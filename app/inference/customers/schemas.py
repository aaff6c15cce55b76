"""Customers on the wire."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from app.core.limits import MAX_REQUESTS, MAX_SECONDS, MAX_TOKENS, Limit, TokenLimit
from app.core.restorable import RestorableQuery
from app.core.schema import Input, Metadata, NotNull, Output, Text, Version, WholeNumber

MOST_CUSTOMERS = 20_000
_CUSTOMER: JsonDict = {
    "external_id": "shop-user-4711",
    "name": "Ada",
    "requests": [{"requests": 60, "seconds": 60}],
    "tokens": [{"tokens": 200_000, "seconds": 86_400}],
    "concurrency": 2,
    "models": ["openai/gpt-*"],
    "metadata": {"plan": "free"},
}


class CustomerRequestLimit(Input):
    """At most `requests` within `seconds`, filling evenly."""

    model_config = ConfigDict(
        from_attributes=True, json_schema_extra={"examples": [{"requests": 60, "seconds": 60}]}
    )

    requests: Annotated[WholeNumber, Field(ge=1, le=MAX_REQUESTS)]
    seconds: Annotated[WholeNumber, Field(ge=1, le=MAX_SECONDS)]

    @model_validator(mode="after")
    def _usable(self) -> Self:
        Limit("customer", self.requests, self.seconds)
        return self


class CustomerTokenLimit(Input):
    """At most `tokens`, of input and output, within `seconds`, filling evenly."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={"examples": [{"tokens": 200_000, "seconds": 86_400}]},
    )

    tokens: Annotated[WholeNumber, Field(ge=1, le=MAX_TOKENS)]
    seconds: Annotated[WholeNumber, Field(ge=1, le=MAX_SECONDS)]

    @model_validator(mode="after")
    def _usable(self) -> Self:
        TokenLimit("customer", self.tokens, self.seconds)
        return self


def _once(limits: list[Any]) -> list[Any]:
    if len({limit.seconds for limit in limits}) < len(limits):
        raise ValueError("must name each number of seconds once")
    return limits


ExternalId = Annotated[
    Text,
    Field(
        min_length=1,
        max_length=200,
        description=(
            "Your own id of the end user: what requests send as `user`, as `metadata.user_id` or "
            "in the header `X-Customer-Id`."
        ),
    ),
]
CustomerName = Annotated[Text, Field(max_length=200)]
Requests = Annotated[list[CustomerRequestLimit], Field(max_length=5), AfterValidator(_once)]
Tokens = Annotated[list[CustomerTokenLimit], Field(max_length=5), AfterValidator(_once)]
Concurrency = Annotated[
    WholeNumber, Field(ge=1, le=10_000, description="Calls that may be under way at once.")
]
Models = Annotated[
    list[Annotated[Text, Field(min_length=1, max_length=200)]],
    Field(
        max_length=100,
        description="Patterns (`openai/gpt-*`) of models and routes that are allowed.",
    ),
]


class CustomerCreate(Input):
    """Limits that are left out are those of the workspace's defaults; an empty list is none."""

    model_config = ConfigDict(json_schema_extra={"examples": [_CUSTOMER]})

    external_id: ExternalId
    name: CustomerName = ""
    blocked: Annotated[bool, Field(description="Refuse every call that names this customer.")] = (
        False
    )
    requests: Requests | None = None
    tokens: Tokens | None = None
    concurrency: Concurrency | None = None
    models: Models | None = None
    metadata: Annotated[
        Metadata, Field(default_factory=dict, description="Your own labels; at most 16 KiB.")
    ]


class CustomerUpdate(Input):
    """A merge patch: what is absent stays; a null limit is that of the defaults again."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"blocked": True}]})

    name: Annotated[CustomerName | None, NotNull] = None
    blocked: Annotated[bool | None, NotNull] = None
    requests: Requests | None = None
    tokens: Tokens | None = None
    concurrency: Concurrency | None = None
    models: Models | None = None
    metadata: Annotated[Metadata | None, NotNull] = None


class CustomerQuery(RestorableQuery):
    external_id: ExternalId | None = None
    blocked: bool | None = None
    q: Annotated[
        Text | None, Field(min_length=1, max_length=200, description="Part of the id or name.")
    ] = None


class CustomerRead(Output):
    id: UUID
    external_id: str
    name: str
    blocked: bool
    requests: list[CustomerRequestLimit] | None = Field(description="Null: as the defaults say.")
    tokens: list[CustomerTokenLimit] | None = Field(description="Null: as the defaults say.")
    concurrency: int | None = Field(description="Null: as the defaults say.")
    models: list[str] | None = Field(description="Null: as the defaults say.")
    metadata: dict[str, Any] = Field(validation_alias="labels")
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    restorable_until: datetime | None
    version: Version


class CustomerDefaultsUpdate(Input):
    """A merge patch: what is absent stays; null takes a limit away."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"requests": [{"requests": 20, "seconds": 60}]}]}
    )

    blocked: Annotated[
        bool | None, NotNull, Field(description="Serve only customers who are listed.")
    ] = None
    requests: Requests | None = None
    tokens: Tokens | None = None
    concurrency: Concurrency | None = None
    models: Models | None = None


class CustomerDefaultsRead(Output):
    """What holds for customers who are not listed, and for what a listed one leaves open."""

    blocked: bool = Field(description="Whether only customers who are listed are served.")
    requests: list[CustomerRequestLimit]
    tokens: list[CustomerTokenLimit]
    concurrency: int | None
    models: list[str] | None = Field(description="Null: every model.")
    updated_at: datetime
    version: Version
