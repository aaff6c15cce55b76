"""Credentials of tools on the wire. Secrets go in and never come out."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    model_validator,
)

from app.agents.credentials.hosts import HostPattern
from app.core.bulk import MOST_ITEMS
from app.core.restorable import RestorableQuery
from app.core.schema import Input, NotNull, Output, Text, Version

CredentialKind = Literal["token", "basic", "headers", "dsn"]


def _fit_for_a_header(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if not (text.isascii() and text.isprintable()) or text != text.strip():
        raise ValueError("must be printable ASCII without white space around it")
    return value


def _without_control(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().isprintable():
        raise ValueError("must not hold control characters")
    return value


Secret = Annotated[SecretStr, Field(min_length=1, max_length=8192)]
HeaderValue = Annotated[Secret, AfterValidator(_fit_for_a_header)]
HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$")]
# What the connection itself is made of.
_NOT_SETTABLE = frozenset({"host", "content-length", "transfer-encoding", "connection"})


class TokenSecret(Input):
    """An API key or a token; what uses it says where it stands."""

    kind: Literal["token"]
    token: HeaderValue


class BasicSecret(Input):
    """A user name and a password (RFC 7617)."""

    kind: Literal["basic"]
    username: Annotated[Text, Field(min_length=1, max_length=300, pattern=r"^[^:\x00-\x1f\x7f]+$")]
    password: Annotated[Secret, AfterValidator(_without_control)]


class HeadersSecret(Input):
    """Header fields that are sent as they are."""

    kind: Literal["headers"]
    headers: Annotated[dict[HeaderName, HeaderValue], Field(min_length=1, max_length=16)]

    @model_validator(mode="after")
    def _may_be_set(self) -> "HeadersSecret":
        if wrong := sorted(name for name in self.headers if name.lower() in _NOT_SETTABLE):
            raise ValueError(f"cannot be set: {', '.join(wrong)}")
        return self


class DsnSecret(Input):
    """The address of a database with its user name and password."""

    kind: Literal["dsn"]
    dsn: Annotated[Secret, AfterValidator(_without_control)]


AnySecret = Annotated[
    TokenSecret | BasicSecret | HeadersSecret | DsnSecret,
    Field(discriminator="kind", description="Write-only; stored encrypted."),
]
CredentialName = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$"),
    Field(description="What tools name it by."),
]
Hosts = Annotated[
    list[HostPattern],
    Field(
        max_length=32, description="Where it may be sent; of a `dsn`, which names its own, none."
    ),
]
Description = Annotated[Text, Field(max_length=500)]


def values_of(secret: AnySecret) -> dict[str, str]:
    """The secret's values by their names, in the clear."""
    if isinstance(secret, HeadersSecret):
        return {name: value.get_secret_value() for name, value in secret.headers.items()}
    fields = secret.model_dump(exclude={"kind"})
    return {
        name: value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        for name, value in fields.items()
    }


class ToolCredentialCreate(Input):
    name: CredentialName
    description: Description = ""
    hosts: Hosts = Field(default_factory=list)
    secret: AnySecret

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "brave",
                    "hosts": ["api.search.brave.com"],
                    "secret": {"kind": "token", "token": "BSA…"},
                }
            ]
        }
    )

    @model_validator(mode="after")
    def _has_its_hosts(self) -> "ToolCredentialCreate":
        if (self.secret.kind == "dsn") == bool(self.hosts):
            raise ValueError("`hosts` must name where it may be sent; of a `dsn` it must be empty")
        return self


class ToolCredentialUpdate(Input):
    """A merge patch: what is absent stays as it is."""

    description: Annotated[Description | None, NotNull] = None
    hosts: Annotated[Hosts | None, NotNull] = None
    secret: Annotated[AnySecret | None, NotNull] = None

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"secret": {"kind": "token", "token": "BSA…"}}]}
    )


class ToolCredentialBulkItem(Input):
    action: Literal["delete", "restore"]
    id: UUID


class ToolCredentialBulk(Input):
    items: Annotated[list[ToolCredentialBulkItem], Field(min_length=1, max_length=MOST_ITEMS)]


class ToolCredentialQuery(RestorableQuery):
    kind: Annotated[CredentialKind | None, Field(description="Only those of this kind.")] = None


class ToolCredentialRead(Output):
    id: UUID
    name: str
    description: str
    kind: CredentialKind
    hosts: list[Any] = Field(description="Where it may be sent.")
    ready: bool = Field(description="Whether it has its secret; one that was restored has none.")
    fingerprint: str | None = Field(description="Tells two secrets apart; not reversible.")
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    restorable_until: datetime | None
    version: Version
