"""Accounts on the wire."""

import re
from datetime import datetime
from functools import cache
from typing import Annotated, Literal
from uuid import UUID
from zoneinfo import available_timezones

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, SecretStr
from pydantic.config import JsonDict

from app.core.auth import Permission
from app.core.schema import Input, Name, Output, Version
from app.identity.workspaces.schemas import WorkspaceRead

_USER: JsonDict = {
    "id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11",
    "email": "ada@example.com",
    "email_verified_at": "2026-11-02T09:31:00Z",
    "name": "Ada",
    "locale": "en-GB",
    "time_zone": "Europe/London",
    "avatar_url": None,
    "created_at": "2026-11-02T09:30:00Z",
    "updated_at": "2026-11-02T09:30:00Z",
    "version": 1,
}


def normal_email(value: str) -> str:
    """Trimmed, lower case; raises ValueError for what is no address.

    `strict` refuses more than 64 characters before the sign, to which no mail can be sent.
    """
    try:
        address = validate_email(value.strip(), check_deliverability=False, strict=True)
    except EmailNotValidError as error:
        raise ValueError(f"is not an e-mail address: {error}") from None
    return address.normalized.lower()


def comparable_email(value: str) -> str:
    """As registration stores it; what is no address cannot match and is refused as unknown."""
    try:
        return normal_email(value)
    except ValueError:
        return value.strip().lower()


def _trimmed(value: object) -> object:
    return value.strip() if isinstance(value, str) else value


Email = Annotated[
    str,
    BeforeValidator(_trimmed),
    Field(min_length=3, max_length=254, json_schema_extra={"format": "email"}),
    AfterValidator(normal_email),
]
KnownEmail = Annotated[
    str,
    Field(min_length=1, max_length=254, json_schema_extra={"format": "email"}),
    AfterValidator(comparable_email),
]
NewPassword = Annotated[
    SecretStr,
    Field(
        min_length=10,
        max_length=200,
        description=(
            "10 to 200 characters of any kind; a few words make a good one. Common and breached "
            "passwords are refused, and those made of your own name or address."
        ),
    ),
]
Password = Annotated[SecretStr, Field(min_length=1, max_length=1000)]


def _locale(value: str) -> str:
    """`en-gb` as `en-GB`; raises ValueError for what is no BCP 47 tag."""
    if not _LOCALE.fullmatch(value):
        raise ValueError("is not a language tag (BCP 47), as `en` or `pt-BR`")
    language, *rest = value.split("-")
    return "-".join([language.lower(), *(_subtag(part) for part in rest)])


def _subtag(part: str) -> str:
    if len(part) == 4 and part.isalpha():
        return part.title()
    return part.upper() if len(part) == 2 or part.isdigit() else part.lower()


def _time_zone(value: str) -> str:
    if value not in _zones():
        raise ValueError("is not a time zone of the IANA database, as `Europe/London`")
    return value


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


# Language, script, region, variants: the tags that people's software sends.
_LOCALE = re.compile(
    r"[A-Za-z]{2,3}(-[A-Za-z]{4})?(-([A-Za-z]{2}|[0-9]{3}))?(-([A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3}))*"
)
Locale = Annotated[
    str, Field(min_length=2, max_length=35, description="BCP 47."), AfterValidator(_locale)
]
TimeZone = Annotated[
    str, Field(min_length=2, max_length=64, description="IANA."), AfterValidator(_time_zone)
]


class UserCreate(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"email": "ada@example.com", "password": "correct horse battery", "name": "Ada"}
            ]
        }
    )

    email: Email
    password: NewPassword
    name: Name | None = None


class UserUpdate(Input):
    """A merge patch: what is absent stays; a null locale or time zone is forgotten."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "Ada Lovelace", "time_zone": "Europe/London"}]}
    )

    name: Name = ""
    locale: Locale | None = None
    time_zone: TimeZone | None = None


class UserRead(Output):
    model_config = ConfigDict(json_schema_extra={"examples": [_USER]})

    id: UUID
    email: str
    email_verified_at: datetime | None = Field(
        description="When its owner confirmed the address; null until then."
    )
    name: str
    locale: str | None
    time_zone: str | None
    avatar_url: str | None = Field(description="Changes with the picture.")
    created_at: datetime
    updated_at: datetime
    version: Version


class Credential(Output):
    type: Literal["session", "api_key"]
    id: UUID


class MeRead(Output):
    """The caller: who, where, and with which permissions."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "user": _USER,
                    "workspace": {
                        "id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e10",
                        "name": "My workspace",
                        "kind": "personal",
                        "role": "owner",
                        "created_at": "2026-11-02T09:30:00Z",
                        "updated_at": "2026-11-02T09:30:00Z",
                    },
                    "permissions": ["conversations:read", "models:invoke"],
                    "credential": {
                        "type": "session",
                        "id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e12",
                    },
                }
            ]
        }
    )

    user: UserRead
    workspace: WorkspaceRead
    permissions: list[Permission]
    credential: Credential
