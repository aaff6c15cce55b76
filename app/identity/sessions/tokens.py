"""Access tokens: short-lived ES256 JWTs, checked strictly."""

import base64
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from jose import jwt  # type: ignore[import-untyped]
from jose.exceptions import ExpiredSignatureError, JOSEError  # type: ignore[import-untyped]

from app.core.clock import now
from app.core.config import Settings
from app.core.ids import new_id
from app.identity.sessions.errors import TokenExpired, TokenInvalid
from app.identity.sessions.keys import ALGORITHM, SigningKeys

AUDIENCE = "luminous-api"
SKEW_SECONDS = 60  # between the clocks of two of our processes
# The last character of a 64-byte signature has four spare bits; python-jose ignores them, and
# would take sixteen spellings of one token.
_FORM = re.compile(r"[A-Za-z0-9_-]{1,512}\.[A-Za-z0-9_-]{1,2048}\.[A-Za-z0-9_-]{85}[AQgw]")
# Of the two signatures that ECDSA takes for the same words, only the one with the lower `s` is a
# token: whoever sees one cannot write it in another way.
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_REQUIRED = {f"require_{claim}": True for claim in ("aud", "exp", "iat", "iss", "jti", "sub")}


@dataclass(frozen=True, slots=True)
class Claims:
    user_id: UUID
    session_id: UUID


def issuer(settings: Settings) -> str:
    return settings.public_url or "luminous"


async def sign(
    keys: SigningKeys,
    settings: Settings,
    claims: Claims,
    *,
    at: datetime | None = None,
) -> str:
    """An access token for a session."""
    signer = await keys.signer()
    begins = at or now()
    ends = begins + timedelta(minutes=settings.access_token_minutes)
    token: str = jwt.encode(
        {
            "iss": issuer(settings),
            "aud": AUDIENCE,
            "sub": str(claims.user_id),
            "sid": str(claims.session_id),
            "jti": str(new_id()),
            "iat": int(begins.timestamp()),
            "exp": int(ends.timestamp()),
        },
        signer.private,
        algorithm=ALGORITHM,
        headers={"kid": signer.kid},
    )
    return with_low_s(token)


def with_low_s(token: str) -> str:
    """The one spelling of a signed token that we take."""
    signed, _, signature = token.rpartition(".")
    r, s = _numbers(signature)
    lower = r.to_bytes(32, "big") + min(s, _ORDER - s).to_bytes(32, "big")
    return f"{signed}.{base64.urlsafe_b64encode(lower).decode().rstrip('=')}"


def _numbers(signature: str) -> tuple[int, int]:
    both = base64.urlsafe_b64decode(signature + "==")
    return int.from_bytes(both[:32], "big"), int.from_bytes(both[32:], "big")


async def verify(keys: SigningKeys, settings: Settings, token: str) -> Claims:
    """What a token says; raises TokenExpired or TokenInvalid."""
    if not _FORM.fullmatch(token) or _numbers(token.rpartition(".")[2])[1] > _ORDER // 2:
        raise TokenInvalid
    try:
        header = jwt.get_unverified_header(token)
    except JOSEError:
        raise TokenInvalid from None
    key = await keys.public(str(header.get("kid", "")))
    if header.get("alg") != ALGORITHM or key is None:
        raise TokenInvalid
    try:
        claims = jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            issuer=issuer(settings),
            options=dict(_REQUIRED),
        )
        if claims["aud"] != AUDIENCE or claims["iat"] > now().timestamp() + SKEW_SECONDS:
            raise TokenInvalid
        return Claims(UUID(claims["sub"]), UUID(claims["sid"]))
    except ExpiredSignatureError:
        raise TokenExpired("Get another one with the refresh token.") from None
    except (JOSEError, KeyError, ValueError, AttributeError, TypeError):
        raise TokenInvalid from None
