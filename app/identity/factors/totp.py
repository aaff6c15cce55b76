"""Codes of authenticator apps (RFC 6238): six digits, thirty seconds, SHA-1, as every app does."""

import hmac
from datetime import datetime
from typing import Final

import pyotp

ISSUER: Final = "Luminous"
STEP_SECONDS: Final = 30
DRIFT: Final = (0, -1, 1)


def new_secret() -> str:
    """160 random bits in base32."""
    return pyotp.random_base32(32)


def uri(secret: str, account: str) -> str:
    """What an app reads from a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=ISSUER)


def step_of(secret: str, code: str, at: datetime) -> int | None:
    """The time step that a code belongs to, one before and one after included; None: no code."""
    totp = pyotp.TOTP(secret)
    now_step = int(at.timestamp()) // STEP_SECONDS
    matching = [
        now_step + drift
        for drift in DRIFT
        if hmac.compare_digest(totp.generate_otp(now_step + drift), code)
    ]
    return matching[0] if matching else None
