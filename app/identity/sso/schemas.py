"""Signing in by others, on the wire."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from app.core.schema import Input, Output, Text
from app.identity.sessions.schemas import TokenWishes
from app.identity.users.schemas import Email

_VERIFIER = "Zk9sYf3hQ0uWm2tVb7xLr4nPc8dEg1aJ6oKiRtNvUwS"
_CODE = "q8H2mV0r3nT5yXk1ZcWfL7uJpS4dBgE9aQ6oKiRtNvU"

Secret = Annotated[Text, Field(min_length=1, max_length=200)]


class SsoStart(Input):
    """Which way of signing in: exactly one of `provider`, `connection_id` and `email`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"provider": "google", "redirect_to": "https://app.example.com/signed-in"}]
        }
    )

    provider: Annotated[Text, Field(min_length=1, max_length=50)] | None = Field(
        default=None, description="One of `GET /v1/auth/sso/providers`."
    )
    connection_id: UUID | None = Field(default=None, description="A workspace's own connection.")
    email: Email | None = Field(
        default=None, description="Finds the connection of the organisation by the domain alone."
    )
    redirect_to: Annotated[Text, Field(min_length=1, max_length=2000)] = Field(
        description=(
            "A page of the frontend, of an origin that the operator lists. The code, or the "
            "error, comes back in its fragment."
        )
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if sum(way is not None for way in (self.provider, self.connection_id, self.email)) != 1:
            raise ValueError("give exactly one of `provider`, `connection_id` and `email`")
        return self


class SsoStarted(Output):
    """Where to send the browser, and what to keep until it is back."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "authorization_url": "https://accounts.google.com/o/oauth2/v2/auth?…",
                    "verifier": _VERIFIER,
                    "expires_in": 600,
                }
            ]
        }
    )

    authorization_url: str
    verifier: str = Field(
        description="Keep it in the page's session storage: the code is worth nothing without it."
    )
    expires_in: int = Field(description="Seconds until the sign-in must be begun again.")


class SsoComplete(TokenWishes):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"code": _CODE, "verifier": _VERIFIER}]}
    )

    code: Secret = Field(description="From the fragment of `redirect_to`.")
    verifier: Secret = Field(description="From the answer that began the sign-in.")


class IdentityLink(Input):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"code": _CODE, "verifier": _VERIFIER}]}
    )

    code: Secret = Field(description="From the fragment of `redirect_to`.")
    verifier: Secret = Field(description="From the answer that began the sign-in.")


class SsoProvider(Output):
    id: str
    name: str


class SsoProviders(Output):
    """The providers that this installation is a client of."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"data": [{"id": "google", "name": "Google"}]}]}
    )

    data: list[SsoProvider]


class IdentityRead(Output):
    """An account elsewhere that opens this one."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e41",
                    "provider": "google",
                    "connection_id": None,
                    "issuer": "https://accounts.google.com",
                    "subject": "110169484474386276334",
                    "email": "ada@example.com",
                    "last_used_at": None,
                    "created_at": "2026-11-02T09:30:00Z",
                }
            ]
        }
    )

    id: UUID
    provider: str
    connection_id: UUID | None
    issuer: str
    subject: str
    email: str | None
    last_used_at: datetime | None
    created_at: datetime
