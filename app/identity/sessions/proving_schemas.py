"""Second factors, passkeys and step-up, on the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, RootModel
from pydantic.config import JsonDict

from app.core.schema import Input, Output
from app.identity.factors.methods import Method
from app.identity.factors.schemas import AnyProof, BrowserCredential, ChallengeToken, SecondProof
from app.identity.sessions.schemas import TokenRead, TokenWishes

CHALLENGE = "Zk3u0tq6wq1eX0gq1m8yD5mPzB7sJ9aLr2vKcNfHoTc"
_OPTIONS: JsonDict = {
    "challenge": "5Zk0c2m1R2t0bFZQb1Z1eHc",
    "timeout": 300000,
    "rpId": "example.com",
    "allowCredentials": [],
    "userVerification": "preferred",
}
SIGNING_OPTIONS = "For `navigator.credentials.get()`: a PublicKeyCredentialRequestOptionsJSON."


class SecondFactorChallenge(Output):
    """The password was right; prove one thing more with `POST /v1/auth/second-factor`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "second_factor",
                    "challenge": CHALLENGE,
                    "expires_in": 300,
                    "methods": ["totp", "recovery_code"],
                    "passkey_options": None,
                }
            ]
        }
    )

    type: Literal["second_factor"]
    challenge: str
    expires_in: int = Field(description="Seconds until the challenge expires.")
    methods: list[Method] = Field(description="What the account can prove itself with.")
    passkey_options: dict[str, Any] | None = Field(description=SIGNING_OPTIONS)


class SignInAnswer(
    RootModel[Annotated[TokenRead | SecondFactorChallenge, Field(discriminator="type")]]
):
    """The tokens of a session, or what it takes beside the password to get them."""


class SecondFactorAnswer(Input):
    """The challenge of the sign-in, and the proof that it asks for."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"challenge": CHALLENGE, "proof": {"type": "totp", "code": "123456"}}]
        }
    )

    challenge: ChallengeToken
    proof: SecondProof


class PasskeyChallenge(Output):
    """What a passkey has to sign."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"challenge": CHALLENGE, "expires_in": 300, "options": _OPTIONS}]
        }
    )

    challenge: str
    expires_in: int = Field(description="Seconds until the challenge expires.")
    options: dict[str, Any] = Field(description=SIGNING_OPTIONS)


class PasskeySignIn(TokenWishes):
    """The challenge, and the answer of the browser."""

    challenge: ChallengeToken
    credential: BrowserCredential


class StepUpOptions(Output):
    """What the account can prove itself with now."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"methods": ["password"], "passkey": None}]}
    )

    methods: list[Method]
    passkey: PasskeyChallenge | None = Field(description="Where a passkey is one of them.")


class StepUp(Input):
    """A proof; with a passkey, the challenge of `/v1/auth/step-up/options` too."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"proof": {"type": "password", "password": "correct horse battery"}}]
        }
    )

    proof: AnyProof
    challenge: ChallengeToken | None = None


class StepUpRead(Output):
    """The session's proof is fresh."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "authenticated_at": "2026-11-21T09:00:00Z",
                    "recent_until": "2026-11-21T09:10:00Z",
                    "second_factor": True,
                }
            ]
        }
    )

    authenticated_at: datetime
    recent_until: datetime = Field(description="Until then dangerous operations ask no more.")
    second_factor: bool = Field(description="Whether it took more than a password.")
