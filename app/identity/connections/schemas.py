"""Connections and domains on the wire."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    model_validator,
)
from pydantic.config import JsonDict

from app.core.restorable import RestorableQuery
from app.core.schema import Input, Name, Output, Text, Version
from app.identity.connections.domain_names import normal_domain

Url = Annotated[Text, StringConstraints(min_length=8, max_length=2000, pattern=r"^https?://\S+$")]
ClaimName = Annotated[Text, StringConstraints(min_length=1, max_length=200)]
RoleName = Annotated[
    Text,
    Field(
        min_length=1,
        max_length=64,
        description="`admin`, `editor`, `viewer`, or the id of a role of the workspace.",
    ),
]
ClientSecret = Annotated[SecretStr, Field(min_length=1, max_length=1000)]


Domain = Annotated[
    str,
    BeforeValidator(lambda v: v.strip() if isinstance(v, str) else v),
    Field(min_length=3, max_length=253),
    AfterValidator(normal_domain),
]


class GroupRole(Input):
    group: Annotated[Text, StringConstraints(min_length=1, max_length=300)]
    role: RoleName


GroupRoles = Annotated[
    list[GroupRole],
    Field(
        max_length=200,
        description=(
            "The role that comes with each group; of several, the first listed. Looked at again "
            "at every sign-in. A member in none of them gets the default role."
        ),
    ),
]


class OidcSettings(Input):
    """An OpenID Connect provider."""

    type: Literal["oidc"]
    issuer: Url = Field(description="Its discovery document is read from here.")
    client_id: Annotated[Text, StringConstraints(min_length=1, max_length=500)]
    scopes: Annotated[
        list[Annotated[str, StringConstraints(pattern=r"^[\x21\x23-\x5b\x5d-\x7e]{1,100}$")]],
        Field(max_length=20, description="Beside `openid`, `email` and `profile`."),
    ] = Field(default_factory=list)
    groups_claim: ClaimName = Field(
        default="groups", description="The claim of the ID token that lists the person's groups."
    )


class SamlSettings(Input):
    """A SAML 2.0 identity provider. Needs the extra `saml` to be installed."""

    type: Literal["saml"]
    entity_id: Annotated[Text, StringConstraints(min_length=1, max_length=1024)]
    sso_url: Url = Field(description="Where the browser takes the request to (HTTP-Redirect).")
    certificates: Annotated[
        list[Annotated[Text, StringConstraints(min_length=100, max_length=10_000)]],
        Field(min_length=1, max_length=5, description="X.509, PEM or base64; any may have signed."),
    ]
    email_attribute: ClaimName = "email"
    name_attribute: ClaimName = "displayName"
    groups_attribute: ClaimName = "groups"


ConnectionSettings = Annotated[OidcSettings | SamlSettings, Field(discriminator="type")]

_SETTINGS: JsonDict = {
    "type": "oidc",
    "issuer": "https://login.example.com",
    "client_id": "luminous",
    "scopes": [],
    "groups_claim": "groups",
}


class SsoConnectionCreate(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "Example Inc.",
                    "settings": {**_SETTINGS, "scopes": ["groups"]},
                    "client_secret": "the client's secret",
                    "default_role": "viewer",
                    "group_roles": [{"group": "engineering", "role": "editor"}],
                }
            ]
        }
    )

    name: Name
    settings: ConnectionSettings
    client_secret: ClientSecret | None = Field(
        default=None, description="Of an OpenID Connect client. It is sealed and never shown."
    )
    create_members: bool = Field(
        default=True, description="Whether who signs in for the first time becomes a member."
    )
    default_role: RoleName = "viewer"
    group_roles: GroupRoles = Field(default_factory=list)

    @model_validator(mode="after")
    def _with_its_secret(self) -> Self:
        if self.settings.type == "oidc" and self.client_secret is None:
            raise ValueError("an OpenID Connect client needs its `client_secret`")
        return self


class SsoConnectionUpdate(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"required": True}]})

    name: Name | None = None
    settings: ConnectionSettings | None = None
    client_secret: ClientSecret | None = None
    enabled: bool | None = None
    required: bool | None = Field(
        default=None,
        description=(
            "Whether members with an address of its domains sign in by it alone. Owners can "
            "still sign in with a password and a second factor."
        ),
    )
    create_members: bool | None = None
    default_role: RoleName | None = None
    group_roles: GroupRoles | None = None


_CONNECTION: JsonDict = {
    "id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e31",
    "name": "Example Inc.",
    "settings": _SETTINGS,
    "has_client_secret": True,
    "enabled": True,
    "required": False,
    "create_members": True,
    "default_role": "viewer",
    "group_roles": [{"group": "engineering", "role": "editor"}],
    "redirect_uri": "https://ai.example.com/v1/auth/sso/callback",
    "version": 1,
    "created_at": "2026-11-02T09:30:00Z",
    "updated_at": "2026-11-02T09:30:00Z",
    "deleted_at": None,
    "restorable_until": None,
}


class SsoConnectionRead(Output):
    model_config = ConfigDict(json_schema_extra={"examples": [_CONNECTION]})

    id: UUID
    name: str
    settings: ConnectionSettings
    has_client_secret: bool
    enabled: bool
    required: bool
    create_members: bool
    default_role: str
    group_roles: list[GroupRole]
    redirect_uri: str = Field(description="What the provider must have registered, exactly.")
    version: Version
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    restorable_until: datetime | None


class SsoConnectionQuery(RestorableQuery):
    """Which of the workspace's connections."""


class SsoDomainCreate(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"connection_id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e31", "domain": "example.com"}
            ]
        }
    )

    connection_id: UUID
    domain: Domain


class SsoDomainRead(Output):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e32",
                    "connection_id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e31",
                    "domain": "example.com",
                    "record_name": "_luminous-challenge.example.com",
                    "record_value": "luminous-verification=6b1f…",
                    "verified_at": None,
                    "version": 1,
                    "created_at": "2026-11-02T09:30:00Z",
                    "updated_at": "2026-11-02T09:30:00Z",
                }
            ]
        }
    )

    id: UUID
    connection_id: UUID
    domain: str
    record_name: str = Field(description="The name of the TXT record that proves the domain.")
    record_value: str
    verified_at: datetime | None
    version: Version
    created_at: datetime
    updated_at: datetime
