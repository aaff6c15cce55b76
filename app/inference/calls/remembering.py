"""What a run keeps of who asked for it, so that the process which goes on with it is as bound."""

from typing import Any
from uuid import UUID

from app.core.auth import Access
from app.identity.api_keys.limits import limits_of
from app.identity.api_keys.rules import rules_of, stored
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


class _Stored:
    """Rules by their names, as a key's row has them."""

    def __init__(self, rules: dict[str, Any]) -> None:
        self.__dict__.update(rules)

    models: list[Any] | None
    features: list[Any] | None
    tokens: list[Any]
    concurrency: int | None
    route: str | None
    tags: list[Any]
    tags_fixed: bool
    customer: str | None


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
        rules=rules_of(_Stored(known["rules"])),
    )
