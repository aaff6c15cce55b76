"""The life of an account, on the wire."""

from typing import Annotated

from pydantic import ConfigDict, Field

from app.core.schema import Input, Output
from app.identity.users.schemas import Email, KnownEmail, NewPassword, Password

_TOKEN = "Yb3yV1qk9mWf0RzD5tHc7uLpS2xNaE8oJ6iGvQwKrT4"  # noqa: S105 - an example

MailedToken = Annotated[
    str, Field(min_length=1, max_length=200, description="The token of the mail.")
]


class EmailVerification(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"token": _TOKEN}]})

    token: MailedToken


class PasswordForgotten(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"email": "ada@example.com"}]})

    email: KnownEmail


class PasswordReset(Input):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"token": _TOKEN, "new_password": "staple of many words"}]}
    )

    token: MailedToken
    new_password: NewPassword


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


class EmailChange(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"email": "ada@example.org"}]})

    email: Email


class AccountRestore(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"email": "ada@example.com", "password": "correct horse battery"}]
        }
    )

    email: KnownEmail
    password: Password


class MailPromised(Output):
    """The same answer whether or not there is anyone to write to."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"message": "If the address is an account's, a mail is on its way to it."}]
        }
    )

    message: str
