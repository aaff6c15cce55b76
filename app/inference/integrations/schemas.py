"""Integrations on the wire. Credentials go in and never come out."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, HttpUrl, SecretStr, StringConstraints

from app.core.bulk import MOST_ITEMS
from app.core.restorable import RestorableQuery
from app.core.schema import Input, Name, Output, Problem, Version
from app.inference.providers.registry import KINDS


def _known(name: str) -> str:
    if name not in KINDS:
        raise ValueError(f"must be one of {', '.join(KINDS)}")
    return name


def _list_kinds(schema: dict[str, Any]) -> None:
    """Ours and those that plug-ins have brought: what this very installation takes."""
    schema["enum"] = list(KINDS)


# One that is stored may have come with a plug-in that has gone.
StoredKind = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$"),
    Field(description="A kind of provider, as `GET /v1/integration-kinds` lists them."),
]


def _plain_address(url: HttpUrl) -> HttpUrl:
    if url.username or url.password:
        raise ValueError("must not hold a user name or a password; use `api_key`")
    if url.query or url.fragment:
        raise ValueError("must not hold a query or a fragment")
    return url


def _fit_for_a_header(key: SecretStr) -> SecretStr:
    text = key.get_secret_value().strip()
    if not (text.isascii() and text.isprintable()):
        raise ValueError("holds characters that no provider's key can have")
    return key


Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
Region = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$"),
    Field(description="Where it computes (`eu`, `us-east-1`): what a route's regions ask for."),
]
Address = Annotated[
    HttpUrl,
    AfterValidator(_plain_address),
    Field(max_length=500, description="The provider's base URL, for compatible servers."),
]
ApiKey = Annotated[
    SecretStr,
    Field(min_length=1, max_length=4096, description="Write-only; stored encrypted."),
    AfterValidator(_fit_for_a_header),
]


class IntegrationCreate(Input):
    kind: Annotated[
        str,
        AfterValidator(_known),
        Field(
            description="One of `GET /v1/integration-kinds`; plug-ins add to them.",
            json_schema_extra=_list_kinds,
        ),
    ]
    name: Annotated[Name | None, Field(description="Default: the kind's own name.")] = None
    slug: Annotated[
        Slug | None, Field(description="Stands before the model's name; default: the kind.")
    ] = None
    base_url: Address | None = None
    region: Region | None = None
    api_key: ApiKey | None = None
    enabled: bool = True

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"kind": "openai", "api_key": "sk-…"}]}
    )


class IntegrationUpdate(Input):
    """A merge patch: what is absent stays as it is."""

    name: Name | None = None
    base_url: Address | None = None
    region: Region | None = None
    api_key: ApiKey | None = None
    enabled: bool | None = None


class IntegrationBulkItem(Input):
    action: Literal["delete", "restore"]
    id: UUID


class IntegrationBulk(Input):
    items: Annotated[list[IntegrationBulkItem], Field(min_length=1, max_length=MOST_ITEMS)]


class IntegrationQuery(RestorableQuery):
    kind: StoredKind | None = None
    enabled: bool | None = None


class IntegrationRead(Output):
    id: UUID
    kind: StoredKind
    slug: str
    name: str
    base_url: str | None
    region: str | None = Field(description="Where it computes, as the workspace says.")
    origin: Literal["user", "environment", "discovered"] = Field(
        description="Who made it: a user, a key in the environment, or a local server found."
    )
    enabled: bool
    last_four: str | None = Field(description="The credential's last four characters.")
    fingerprint: str | None = Field(description="Tells two credentials apart; not reversible.")
    status: Literal["untested", "working", "failing"]
    last_error: dict[str, Any] | None
    last_tested_at: datetime | None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    restorable_until: datetime | None
    version: Version


class IntegrationTest(Output):
    """What a try of the credentials gave."""

    ok: bool
    latency_ms: int
    models: int = Field(description="How many models the provider lists.")
    error: Problem | None


class KindRead(Output):
    """A kind of provider an integration can be of."""

    name: str
    label: str
    dialect: str
    base_url: str | None
    needs_key: bool
    package: str | None = Field(
        description="The plug-in that brings it, with its version; null for those built in."
    )
