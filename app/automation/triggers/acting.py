"""On whose behalf a trigger starts runs: its owner, with the rights they have by now."""

from dataclasses import replace
from typing import Any, Final
from uuid import UUID

from app.automation.triggers.errors import TriggerKeyEnded, TriggerOwnerLacks
from app.automation.triggers.models import WorkflowTrigger
from app.core.auth import Access, Permission
from app.core.db import AsyncSession
from app.core.errors import AppError
from app.identity.api_keys import service as api_keys
from app.identity.api_keys.limits import limits_of
from app.identity.api_keys.rules import restored
from app.identity.workspaces import service as workspaces
from app.identity.workspaces.errors import MembershipSuspended, WorkspaceNotFound
from app.inference.calls.remembering import remembered

# Why a trigger may not act any more: nothing that comes to it changes that.
ENDED: Final[tuple[type[AppError], ...]] = (
    WorkspaceNotFound,
    MembershipSuspended,
    TriggerKeyEnded,
    TriggerOwnerLacks,
)


def caller_kept(access: Access) -> dict[str, Any]:
    """What a trigger keeps of whoever set it up."""
    return {**remembered(access), "permissions": sorted(access.permissions)}


async def acting(session: AsyncSession, trigger: WorkflowTrigger) -> Access:
    """What its owner may do now; where they used an API key, no more than that key might.

    Raises what ENDED names.
    """
    known = trigger.caller
    bare = Access(
        trigger.workspace_id,
        trigger.owner_id,
        frozenset(),
        known["credential"],
        UUID(known["credential_id"]),
        limits=limits_of(known["limits"]),
        rules=restored(known["rules"]),
    )
    by_key = bare.api_key_id is not None
    if bare.api_key_id is not None and not await api_keys.is_living(
        session, trigger.workspace_id, bare.api_key_id
    ):
        raise TriggerKeyEnded
    place = await workspaces.living(session, bare, trigger.workspace_id)
    held = frozenset(
        right for right in place.permissions if not by_key or right.value in known["permissions"]
    )
    if Permission.WORKFLOWS_RUN not in held:
        raise TriggerOwnerLacks
    return replace(bare, permissions=held, role=place.membership.role)
