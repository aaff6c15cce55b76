"""What a run keeps of who asked for it, so that the process which goes on with it is as bound."""

from typing import Any
from uuid import UUID

from app.core.auth import Access
from app.identity.api_keys.limits import limits_of
from app.identity.api_keys.rules import restored, stored
from app.runs.runs.context import RunContext


def remembered(access: Access) -> dict[str, Any]:
    """What a run keeps of who asked for it."""
    limits = [{"requests": each.requests, "seconds": each.seconds} for each in access.limits]
    return {
        "credential": access.credential,
        "credential_id": str(access.credential_id),
        "rules": stored(access.rules),
        "limits": limits,
    }


def access_of(ctx: RunContext) -> Access:
    """Who asked, with the rules that held then; `remembered` made the run's input."""
    known = ctx.input
    return Access(
        ctx.workspace_id,
        ctx.user_id,
        frozenset(),
        known["credential"],
        UUID(known["credential_id"]),
        limits=limits_of(known["limits"]),
        rules=restored(known["rules"]),
    )
