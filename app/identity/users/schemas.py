"""Accounts on the wire."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from email_validator import EmailNotValidError, validate_email
from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
)
from pydantic.config import JsonDict

from app.core.auth import Permission
from app.core.schema import Input, Name, Output
from app.identity.workspaces.schemas import WorkspaceRead

_USER: JsonDict = {
    "id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11",
    "email": "ada@example.com",
    "name": "Ada",
    "created_at": "2026-11-02T09:30:00Z",
    "updated_at": "2026-11-02T09:30:00Z",
}


def normal_email(value: str) -> str:
    """Trimmed, lower case; raises ValueError for what is no address."""
    try:
        address = validate_email(value.strip(), check_deliverability=False)
    except EmailNotValidError as error:
        raise ValueError(f"is not an e-mail address: {error}") from None
    return address.normalized.lower()


def _trimmed(value: object) -> object:
    return value.strip() if isinstance(value, str) else value


Email = Annotated[
    str,
    BeforeValidator(_trimmed),
    Field(min_length=3, max_length=254, json_schema_extra={"format": "email"}),
    AfterValidator(normal_email),
]
NewPassword = Annotated[
    SecretStr,
    Field(
        min_length=10,
        max_length=200,
        description="10 to 200 characters of any kind; a few words make a good one.",
    ),
]
Password = Annotated[SecretStr, Field(min_length=1, max_length=1000)]


def same_words(password: str, email: str) -> bool:
    """Whether a password is the e-mail address over again."""
    return password.strip().lower() == email.lower()


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

    @field_validator("password")
    @classmethod
    def _not_the_email(cls, password: SecretStr, info: ValidationInfo) -> SecretStr:
        if same_words(password.get_secret_value(), info.data.get("email", "")):
            raise ValueError("must not be the e-mail address")
        return password


class UserUpdate(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Ada Lovelace"}]})

    name: Name


class UserRead(Output):
    model_config = ConfigDict(json_schema_extra={"examples": [_USER]})

    id: UUID
    email: str
    name: str
    created_at: datetime
    updated_at: datetime


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
