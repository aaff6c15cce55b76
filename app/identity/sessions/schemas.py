"""Signing in, on the wire."""

from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field

from app.core.schema import Input, Output
from app.identity.users.schemas import NewPassword, Password, normal_email

REFRESH_TOKEN = "q8H2mV0r3nT5yXk1ZcWfL7uJpS4dBgE9aQ6oKiRtNvU"  # noqa: S105 - an example


def _comparable(value: str) -> str:
    """As registration stores it; what is no address cannot match and is refused as unknown."""
    try:
        return normal_email(value)
    except ValueError:
        return value.strip().lower()


PresentedToken = Annotated[str, Field(min_length=1, max_length=200)]


class Login(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"email": "ada@example.com", "password": "correct horse battery"}]
        }
    )

    email: Annotated[str, Field(min_length=1, max_length=254), AfterValidator(_comparable)]
    password: Password
    refresh_token_in: Annotated[
        Literal["cookie", "body"],
        Field(description="`cookie` for browsers; `body` for clients that keep it themselves."),
    ] = "cookie"  # noqa: S105 - a place


class RefreshRequest(Input):
    """The refresh token of a client that keeps it itself; browsers send their cookie instead."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"refresh_token": REFRESH_TOKEN}]})

    refresh_token: PresentedToken


class TokenRead(Output):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "access_token": "eyJhbGciOiJFUzI1NiIsImtpZCI6IjAxOTc…",
                    "token_type": "Bearer",
                    "expires_in": 600,
                    "refresh_token": None,
                }
            ]
        }
    )

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int = Field(description="Seconds until the access token expires.")
    refresh_token: str | None = Field(description="Null when it travels in the cookie.")


class PasswordChange(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "current_password": "correct horse battery",
                    "new_password": "staple of many words",
                }
            ]
        }
    )

    current_password: Password
    new_password: NewPassword


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
