"""Sign-ins under way: what is remembered between leaving for a provider and coming back.

Each stage lives in Valkey for minutes, sealed, under the hash of a secret that the browser
carries, and is taken out once. Three secrets tie the stages together: the `state` that travels
through the provider, a cookie of the browser that began, and the `verifier` that the frontend
keeps, without which the code at the end is worth nothing.
"""

import hashlib
import hmac
import secrets
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

import orjson

from app.core.crypto import Vault
from app.core.kernel import Valkey
from app.identity.sso.errors import SsoCodeInvalid, SsoStateInvalid
from app.identity.sso.people import Ask, ExternalPerson

FLOW_SECONDS = 600
CODE_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Choice:
    """Which way of signing in was chosen: a provider of the installation, or a connection."""

    provider: str
    connection_id: UUID | None = None

    @property
    def realm(self) -> str:
        return str(self.connection_id) if self.connection_id else ""


@dataclass(frozen=True, slots=True)
class Flow:
    """A browser on its way."""

    choice: Choice
    ask: Ask
    redirect_to: str
    cookie_hash: str
    verifier_hash: str


@dataclass(frozen=True, slots=True)
class Arrival:
    """Someone whom a provider has named, before they are matched to an account."""

    choice: Choice
    person: ExternalPerson
    verifier_hash: str


@dataclass(frozen=True, slots=True)
class Begun:
    """What a sign-in is begun with, and the two secrets that stay behind."""

    flow: Flow
    cookie: str
    verifier: str


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def begin(choice: Choice, redirect_to: str, redirect_uri: str) -> Begun:
    """Draw every secret of a new sign-in."""
    cookie, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    ask = Ask(
        state=secrets.token_urlsafe(32),
        nonce=secrets.token_urlsafe(32),
        pkce_verifier=secrets.token_urlsafe(48),
        redirect_uri=redirect_uri,
    )
    return Begun(Flow(choice, ask, redirect_to, digest(cookie), digest(verifier)), cookie, verifier)


class Flows:
    """The sign-ins under way of this installation."""

    def __init__(self, valkey: Valkey, vault: Vault) -> None:
        self._valkey = valkey
        self._vault = vault

    async def keep(self, flow: Flow) -> None:
        await self._put(f"sso:flow:{digest(flow.ask.state)}", asdict(flow), FLOW_SECONDS)

    async def take(self, state: str, cookie: str | None) -> Flow:
        """The sign-in of a state, for the browser that began it; raises SsoStateInvalid."""
        kept = await self._take(f"sso:flow:{digest(state)}")
        if kept is None:
            raise SsoStateInvalid("It is over, or was finished before: begin again.")
        if cookie is None or not hmac.compare_digest(digest(cookie), kept["cookie_hash"]):
            raise SsoStateInvalid("Another browser began it: begin again in this one.")
        ask, choice = Ask(**kept.pop("ask")), _choice(kept.pop("choice"))
        return Flow(choice=choice, ask=ask, **kept)

    async def arrive(self, arrival: Arrival) -> str:
        """The one-time code that stands for someone who has arrived."""
        code = secrets.token_urlsafe(32)
        await self._put(f"sso:code:{digest(code)}", asdict(arrival), CODE_SECONDS)
        return code

    async def redeem(self, code: str, verifier: str) -> Arrival:
        """Who stands behind a code, for the frontend that began; raises SsoCodeInvalid."""
        kept = await self._take(f"sso:code:{digest(code)}")
        if kept is None or not hmac.compare_digest(digest(verifier), kept["verifier_hash"]):
            raise SsoCodeInvalid("It is over, was used before, or is not of this sign-in.")
        person = kept["person"]
        if person["groups"] is not None:
            person["groups"] = tuple(person["groups"])
        return Arrival(_choice(kept["choice"]), ExternalPerson(**person), kept["verifier_hash"])

    async def first_use(self, name: str, seconds: int) -> bool:
        """Whether something that may be used once in a time is used for the first time."""
        return bool(await self._valkey.set(f"sso:used:{digest(name)}", 1, nx=True, ex=seconds))

    async def _put(self, key: str, value: dict[str, Any], seconds: int) -> None:
        text = orjson.dumps(value, default=str).decode()
        await self._valkey.set(key, self._vault.seal(text, context=key), ex=seconds)

    async def _take(self, key: str) -> dict[str, Any] | None:
        sealed: bytes | None = await self._valkey.getdel(key)  # type: ignore[assignment]
        if sealed is None:
            return None
        value: dict[str, Any] = orjson.loads(self._vault.open(sealed, context=key))
        return value


def _choice(kept: dict[str, Any]) -> Choice:
    connection_id = kept["connection_id"]
    return Choice(kept["provider"], UUID(connection_id) if connection_id else None)
