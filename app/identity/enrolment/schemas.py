"""A person's second factors on the wire."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from app.core.schema import Input, Name, Output, Version
from app.identity.factors.methods import Method
from app.identity.factors.schemas import BrowserCredential, ChallengeToken, TotpCode

_CODES: list[Any] = ["x7k2-9mqp-4rtv-0bcd", "m3w8-zk5n-q2hj-7fgy"]
_CODES_HELP = "Shown this once; each opens the account once."
_FIRST_CODES_HELP = f"With the account's first second factor, else null. {_CODES_HELP}"
_PASSKEY: JsonDict = {
    "id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e14",
    "name": "Phone",
    "transports": ["hybrid", "internal"],
    "synced": True,
    "last_used_at": "2026-11-21T08:00:00Z",
    "created_at": "2026-11-02T09:30:00Z",
    "updated_at": "2026-11-02T09:30:00Z",
    "version": 1,
}


class SecondFactorRead(Output):
    """What follows the caller's password at a sign-in."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "enabled": True,
                    "methods": ["totp", "recovery_code"],
                    "totp": True,
                    "passkeys": 0,
                    "recovery_codes_left": 10,
                }
            ]
        }
    )

    enabled: bool = Field(description="Whether a sign-in with the password asks for more.")
    methods: list[Method] = Field(description="What the caller can prove themselves with now.")
    totp: bool = Field(description="Whether an authenticator app is set up.")
    passkeys: int
    recovery_codes_left: int


class TotpCreated(Output):
    """The secret of an authenticator app, shown this once."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "secret": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
                    "otpauth_uri": "otpauth://totp/Luminous:ada%40example.com?secret=JBSW…",
                }
            ]
        }
    )

    secret: str = Field(description="Base32, to be typed in where no QR code can be read.")
    otpauth_uri: str = Field(description="For the QR code.")


class TotpConfirm(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"code": "123456"}]})

    code: TotpCode


class FactorAdded(Output):
    """The factor counts from now on."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"recovery_codes": _CODES}]})

    recovery_codes: list[str] | None = Field(description=_FIRST_CODES_HELP)


class RecoveryCodesCreated(Output):
    """Ten fresh codes in the place of all earlier ones."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"recovery_codes": _CODES}]})

    recovery_codes: list[str] = Field(description=_CODES_HELP)


class PasskeyOptions(Output):
    """What a browser needs to make a passkey."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "challenge": "Zk3u0tq6wq1eX0gq1m8yD5mPzB7sJ9aLr2vKcNfHoTc",
                    "expires_in": 300,
                    "options": {"rp": {"id": "example.com", "name": "Luminous"}},
                }
            ]
        }
    )

    challenge: str
    expires_in: int = Field(description="Seconds until the challenge expires.")
    options: dict[str, Any] = Field(
        description=(
            "For `navigator.credentials.create()`: a PublicKeyCredentialCreationOptionsJSON."
        )
    )


class PasskeyCreate(Input):
    """The challenge, and the passkey that the browser made."""

    name: Name
    challenge: ChallengeToken
    credential: BrowserCredential


class PasskeyUpdate(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Work laptop"}]})

    name: Name


class PasskeyRead(Output):
    model_config = ConfigDict(json_schema_extra={"examples": [_PASSKEY]})

    id: UUID
    name: str
    transports: list[str] = Field(description="How browsers reach it: `internal`, `usb`, …")
    synced: bool = Field(description="Whether it was backed up to a provider's cloud when made.")
    last_used_at: datetime | None
    created_at: datetime
    updated_at: datetime
    version: Version


class PasskeyCreated(PasskeyRead):
    """A passkey, and with the first factor the recovery codes."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{**_PASSKEY, "recovery_codes": _CODES}]}
    )

    recovery_codes: list[str] | None = Field(description=_FIRST_CODES_HELP)
