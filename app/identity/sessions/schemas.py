"""Signing in, on the wire."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from app.core.schema import Input, Output
from app.identity.sessions.places import Places
from app.identity.users.schemas import KnownEmail, Password

REFRESH_TOKEN = "q8H2mV0r3nT5yXk1ZcWfL7uJpS4dBgE9aQ6oKiRtNvU"  # noqa: S105 - an example


PresentedToken = Annotated[str, Field(min_length=1, max_length=200)]


class TokenWishes(Input):
    """Where a client wants its tokens."""

    refresh_token_in: Annotated[
        Literal["cookie", "body"],
        Field(description="`cookie` for browsers; `body` for clients that keep it themselves."),
    ] = "cookie"  # noqa: S105 - a place
    access_token_in: Annotated[
        Literal["body", "cookie"],
        Field(
            description=(
                "`cookie` keeps the access token from the page's own scripts too: it is set as an "
                "HttpOnly cookie beside the refresh token's, at every refresh as well."
            )
        ),
    ] = "body"  # noqa: S105 - a place

    @model_validator(mode="after")
    def _both_in_cookies(self) -> Self:
        if self.places == Places(refresh_in_cookie=False, access_in_cookie=True):
            raise ValueError("`access_token_in: cookie` needs `refresh_token_in: cookie`")
        return self

    @property
    def places(self) -> Places:
        """Where the tokens are to travel."""
        places = (self.refresh_token_in, self.access_token_in)
        return Places(*(place == "cookie" for place in places))


class Login(TokenWishes):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"email": "ada@example.com", "password": "correct horse battery"}]
        }
    )

    email: KnownEmail
    password: Password


class RefreshRequest(Input):
    """The refresh token of a client that keeps it itself; browsers send their cookie instead."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"refresh_token": REFRESH_TOKEN}]})

    refresh_token: PresentedToken


class TokenRead(Output):
    """The tokens of a session."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "tokens",
                    "access_token": "eyJhbGciOiJFUzI1NiIsImtpZCI6IjAxOTc…",
                    "token_type": "Bearer",
                    "expires_in": 600,
                    "refresh_token": None,
                }
            ]
        }
    )

    type: Literal["tokens"]
    access_token: str | None = Field(description="Null when it travels in the cookie.")
    token_type: Literal["Bearer"]
    expires_in: int = Field(description="Seconds until the access token expires.")
    refresh_token: str | None = Field(description="Null when it travels in the cookie.")


class SessionRead(Output):
    """Where, and on what, the caller is signed in."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e12",
                    "current": True,
                    "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Firefox/145.0",
                    "address": "203.0.113.7",
                    "second_factor": False,
                    "created_at": "2026-11-02T09:30:00Z",
                    "last_used_at": "2026-11-21T08:00:00Z",
                    "expires_at": "2026-12-21T08:00:00Z",
                }
            ]
        }
    )

    id: UUID
    current: bool = Field(description="Whether this request comes from it.")
    user_agent: str
    address: str = Field(description="Where it was last used from.")
    second_factor: bool = Field(description="Whether it took more than a password.")
    created_at: datetime
    last_used_at: datetime = Field(description="The last refresh of its tokens.")
    expires_at: datetime


class PublicKey(Output):
    """One public key (RFC 7517)."""

    kty: Literal["EC"]
    crv: Literal["P-256"]
    alg: Literal["ES256"]
    use: Literal["sig"]
    kid: str
    x: str
    y: str


class KeySet(Output):
    """The keys that access tokens are signed with."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "keys": [
                        {
                            "kty": "EC",
                            "crv": "P-256",
                            "alg": "ES256",
                            "use": "sig",
                            "kid": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e13",
                            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
                            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
                        }
                    ]
                }
            ]
        }
    )

    keys: list[PublicKey]
