"""Ids of responses that a provider keeps, sealed with whom they were made for.

All of a workspace share their provider's key, so the provider would give any of them the response
of any other. What a client gets as an id is the provider's own with a signature behind it, which
holds for the workspace and the person who asked, and for the customer whom the request named.
"""

import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from app.inference.dialects.ask import Ask, with_value
from app.inference.dialects.errors import ResponseNotFound

PREVIOUS: Final = "previous_response_id"
UNSTORED: Final = (
    ". Nobody stores what says `store: false`, as do all answers that are translated from another "
    "vendor's or come out of a cache: give the turns themselves."
)
# Multiples of three, so that base64 has no padding.
CUSTOMER_BYTES: Final = 9
SEAL_BYTES: Final = 18
CUSTOMER_LENGTH: Final = CUSTOMER_BYTES * 4 // 3
SEAL_LENGTH: Final = SEAL_BYTES * 4 // 3


@dataclass(frozen=True, slots=True)
class Kept:
    """A response by its provider's id; `customer` is the mark of whom it was made for."""

    name: str
    customer: str


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose responses are meant. One made for a customer is not another one's.

    Who names no customer asks for himself, and may see what was made for any of his own.
    """

    key: bytes = field(repr=False)
    workspace_id: UUID
    user_id: UUID
    customer: str | None = None

    def seal(self, name: str, customer: str | None = None) -> str:
        """The id that a client gets; `customer` is a mark that stands already."""
        mark = customer or self._mark()
        return f"{name}_{mark}{self._sign(name, mark)}"

    def unseal(self, given: str) -> Kept | None:
        """What was sealed for this owner; None for anything else."""
        head, seal = given[:-SEAL_LENGTH], given[-SEAL_LENGTH:]
        name, mark = head[: -CUSTOMER_LENGTH - 1], head[-CUSTOMER_LENGTH:]
        if head != f"{name}_{mark}" or not hmac.compare_digest(
            seal.encode(), self._sign(name, mark).encode()
        ):
            return None
        if self.customer is not None and mark != self._mark():
            return None
        return Kept(name, mark)

    def _mark(self) -> str:
        return self._digest(CUSTOMER_BYTES, "customer", self.customer or "")

    def _sign(self, name: str, mark: str) -> str:
        return self._digest(SEAL_BYTES, "response", name, mark, str(self.user_id))

    def _digest(self, size: int, *told: str) -> str:
        written = "\0".join((str(self.workspace_id), *told)).encode()
        return urlsafe_b64encode(hmac.digest(self.key, written, "sha256")[:size]).decode()


def opened(ask: Ask, owner: Owner) -> Ask:
    """The request with its provider's own id of the response that it goes on from, if it may."""
    given = ask.document.get(PREVIOUS)
    kept = owner.unseal(given) if isinstance(given, str) else None
    if kept is None:
        return ask
    ask = with_value(ask, PREVIOUS, kept.name)
    ask.options = {**ask.options, PREVIOUS: kept.name}
    return ask


def expect_opened(ask: Ask) -> None:
    """Raise ResponseNotFound for a response that nobody has found to be the caller's."""
    given = ask.document.get(PREVIOUS)
    if given is not None and ask.options.get(PREVIOUS) != given:
        raise ResponseNotFound(str(given), UNSTORED)
