"""Who pays for a request of the gateway."""

from typing import Final

from app.core.auth import Access
from app.inference.usage.payer import Payer

PAYERS: Final = "relay.payers"
MOST_PAYERS: Final = 32  # of one caller


def paying(access: Access, customer: str | None, tags: tuple[str, ...]) -> Payer:
    """The payer of a request for this customer, with these tags beside the key's own.

    As a rule it is the same object for the same: the gate goes by that.
    """
    known: dict[tuple[str | None, tuple[str, ...]], Payer]
    known = access.memo.setdefault(PAYERS, {})
    payer = known.get((customer, tags))
    if payer is None:
        if len(known) >= MOST_PAYERS:
            known.clear()
        payer = known[customer, tags] = Payer(
            access.workspace_id,
            access.user_id,
            "gateway",
            api_key_id=access.api_key_id,
            customer=customer,
            tags=tuple(dict.fromkeys((*access.rules.tags, *tags))),
        )
    return payer
