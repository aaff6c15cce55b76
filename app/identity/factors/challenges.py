"""Challenges: opaque tokens that carry a ceremony from its first request to its second.

A token is 256 random bits, kept in Valkey by its hash for a few minutes and taken out once. It is
good for the ceremony that it was made for and for no other.
"""

import base64
import hashlib
import secrets
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from app.core.kernel import Valkey
from app.identity.factors.errors import ChallengeInvalid

LIFETIME_SECONDS: Final = 300


class Ceremony(StrEnum):
    """What a challenge is for."""

    SECOND_FACTOR = "second_factor"
    STEP_UP = "step_up"
    PASSKEY_SIGN_IN = "passkey_sign_in"
    PASSKEY_REGISTRATION = "passkey_registration"


class Challenge(BaseModel):
    """What is kept between the two requests.

    `signed` is what a passkey has to sign, base64. `password_mark` tells the password that was
    given, so that another one ends the challenge.
    """

    model_config = ConfigDict(frozen=True)

    user_id: UUID | None = None
    session_id: UUID | None = None
    signed: str = ""
    password_mark: str = ""
    wishes: dict[str, Any] = {}

    @property
    def to_sign(self) -> bytes:
        return base64.b64decode(self.signed)


def signed(challenge: bytes) -> str:
    """A WebAuthn challenge as `Challenge.signed` keeps it."""
    return base64.b64encode(challenge).decode()


class Challenges:
    """The challenges of this installation, in Valkey."""

    def __init__(self, valkey: Valkey) -> None:
        self._valkey = valkey

    async def issue(self, ceremony: Ceremony, challenge: Challenge) -> str:
        """The token that stands for a challenge."""
        token = secrets.token_urlsafe(32)
        await self._valkey.set(
            _key(ceremony, token), challenge.model_dump_json(), ex=LIFETIME_SECONDS
        )
        return token

    async def find(self, ceremony: Ceremony, token: str) -> Challenge:
        """What a token stands for, left where it is; raises ChallengeInvalid."""
        return _read(await self._valkey.get(_key(ceremony, token)))

    async def take(self, ceremony: Ceremony, token: str) -> Challenge:
        """What a token stands for, once: it is gone with this; raises ChallengeInvalid."""
        return _read(await self._valkey.getdel(_key(ceremony, token)))


def _key(ceremony: Ceremony, token: str) -> str:
    return f"challenge:{ceremony}:{hashlib.sha256(token.encode()).hexdigest()}"


def _read(kept: bytes | str | None) -> Challenge:
    if kept is None:
        raise ChallengeInvalid("Begin again.")
    return Challenge.model_validate_json(kept)
