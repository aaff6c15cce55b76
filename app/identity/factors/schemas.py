"""Proofs on the wire."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field

from app.core.schema import Input, Metadata
from app.identity.users.schemas import Password


def _without_spaces(value: object) -> object:
    return value.replace(" ", "") if isinstance(value, str) else value


def _answer_of_browser(value: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(value.get("id"), str) or not isinstance(value.get("response"), dict):
        raise ValueError("is not the JSON of a PublicKeyCredential")  # noqa: TRY004
    return value


TotpCode = Annotated[
    str,
    BeforeValidator(_without_spaces),
    Field(pattern=r"^[0-9]{6}$", min_length=6, max_length=6, examples=["123456"]),
]
BrowserCredential = Annotated[
    Metadata,
    AfterValidator(_answer_of_browser),
    Field(description="The PublicKeyCredential that the browser answered, as its `toJSON()`."),
]
ChallengeToken = Annotated[str, Field(min_length=1, max_length=100)]


class PasswordProof(Input):
    """The account's password."""

    type: Literal["password"]
    password: Password


class TotpProof(Input):
    """A code of the person's authenticator app; each works once."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"type": "totp", "code": "123456"}]})

    type: Literal["totp"]
    code: TotpCode


class RecoveryCodeProof(Input):
    """One of the codes that were given out for the loss of the other factors; used up by this."""

    type: Literal["recovery_code"]
    code: Annotated[str, Field(min_length=1, max_length=40, examples=["x7k2-9mqp-4rtv-0bcd"])]


class PasskeyProof(Input):
    """A signature by one of the person's passkeys."""

    type: Literal["passkey"]
    credential: BrowserCredential


SecondProof = Annotated[TotpProof | RecoveryCodeProof | PasskeyProof, Field(discriminator="type")]
AnyProof = Annotated[
    PasswordProof | TotpProof | RecoveryCodeProof | PasskeyProof, Field(discriminator="type")
]
