"""What a key is held to beside its scopes; a key that makes keys cannot make freer ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.core.auth import EVERYTHING, Access, KeyRules
from app.core.db import AsyncSession
from app.core.errors import FieldError
from app.identity.api_keys import addresses, crud
from app.identity.api_keys.errors import KeyFreerThanOwn
from app.identity.api_keys.models import ApiKey
from app.identity.api_keys.rules import freer, inherited, rules_of

Limits = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Terms:
    """When a key ends, where it serves (nowhere named is everywhere), and its limits and rules."""

    expires_at: datetime | None = None
    allowed_addresses: Sequence[str] = ()
    limits: Limits = field(default=())
    rules: KeyRules = EVERYTHING

    def inherited_by(self, wanted: "Terms") -> "Terms":
        """What a new key is held to: what is left out is this key's own.

        Raises KeyFreerThanOwn for what is given and goes beyond it.
        """
        named = {limit["seconds"] for limit in wanted.limits}
        made = Terms(
            wanted.expires_at or self.expires_at,
            wanted.allowed_addresses or self.allowed_addresses,
            [*wanted.limits, *(limit for limit in self.limits if limit["seconds"] not in named)],
            inherited(self.rules, wanted.rules),
        )
        self.refuse_freer(made)
        return made

    def refuse_freer(self, other: "Terms") -> None:
        """Raise KeyFreerThanOwn for terms that allow more than these."""
        wrong = {
            "expires_at": not self._ends_no_later(other.expires_at),
            "allowed_addresses": not self._serves_no_more(other.allowed_addresses),
            "limits": not self._limits_as_much(other.limits),
        }
        names = [name for name, beyond in wrong.items() if beyond]
        names += freer(self.rules, other.rules)
        if names:
            raise KeyFreerThanOwn(
                "It is held to less than the key that you call with.",
                errors=tuple(
                    FieldError(f"/body/{name}", KeyFreerThanOwn.code, "allows more than your own")
                    for name in names
                ),
            )

    def _ends_no_later(self, end: datetime | None) -> bool:
        return self.expires_at is None or (end is not None and end <= self.expires_at)

    def _serves_no_more(self, given: Sequence[str]) -> bool:
        mine = addresses.networks_of(self.allowed_addresses)
        theirs = addresses.networks_of(given)
        return not mine or (bool(theirs) and all(addresses.within(mine, each) for each in theirs))

    def _limits_as_much(self, given: Limits) -> bool:
        found = {limit["seconds"]: limit["requests"] for limit in given}
        return all(
            found.get(limit["seconds"], limit["requests"] + 1) <= limit["requests"]
            for limit in self.limits
        )


FREE = Terms()


def terms_of(key: ApiKey) -> Terms:
    return Terms(key.expires_at, key.allowed_addresses, key.limits, rules_of(key))


async def of_caller(session: AsyncSession, access: Access) -> Terms:
    """What the calling key is held to; a session is held to nothing."""
    if access.credential != "api_key":
        return FREE
    key = await crud.get(
        session, access.workspace_id, access.user_id, access.credential_id, of_services=False
    )
    return FREE if key is None else terms_of(key)
