"""On whose behalf a trigger starts runs: its owner's, held to what the version's author may do.

Whoever may change a workflow decides what its next run does. So a version that the owner neither
wrote nor took on does no more than its author may: nobody gains the owner's rights by writing one.
The same goes for their API keys: a version that was written with one does no more than that key
may, whoever's it is, and what is fired by hand with one runs as whatever that key begins.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from app.automation.triggers.errors import (
    TriggerKeyEnded,
    TriggerOwnerLacks,
    VersionAuthorLacks,
    WorkflowTriggerNotYours,
)
from app.automation.triggers.models import WorkflowTrigger
from app.automation.workflows import service as workflows
from app.automation.workflows.models import WorkflowVersion
from app.core.auth import Access, Permission
from app.core.db import AsyncSession
from app.core.errors import AppError
from app.identity.api_keys import service as api_keys
from app.identity.api_keys.limits import limits_of
from app.identity.api_keys.rules import restored
from app.identity.roles.grants import standing_of
from app.identity.users import service as users
from app.identity.workspaces import service as workspaces
from app.identity.workspaces.errors import MembershipSuspended, WorkspaceNotFound
from app.identity.workspaces.roles import known_permissions
from app.inference.calls.remembering import remembered

# Why a trigger may not act any more: nothing that comes to it changes that.
ENDED: Final[tuple[type[AppError], ...]] = (
    WorkspaceNotFound,
    MembershipSuspended,
    TriggerKeyEnded,
    TriggerOwnerLacks,
)


@dataclass(frozen=True, slots=True)
class Acting:
    """Who a run acts for, with what it may do, and the number of the version that it runs."""

    access: Access
    version: int


def caller_kept(access: Access, version: WorkflowVersion | None) -> dict[str, Any]:
    """What a trigger keeps of whoever set it up, and the version that they answer for with it."""
    return {
        **remembered(access),
        "permissions": sorted(access.permissions),
        "answers_for": str(version.id) if version is not None else None,
    }


async def acting(
    session: AsyncSession, trigger: WorkflowTrigger, fired_with: Mapping[str, Any] | None = None
) -> Acting:
    """What its owner may do now, and of a version that is another's what its author may, too.

    `fired_with` is the owner's API key, in place of what they made the trigger with.

    Raises what ENDED names, VersionAuthorLacks, WorkflowNotFound, WorkflowVersionNotFound and
    WorkflowLabelNotFound.
    """
    access = await _owner(session, trigger, fired_with or trigger.caller)
    _, version = await workflows.resolve(
        session, access, trigger.workflow_id, trigger.workflow_version, trigger.label
    )
    if not _is_owners(trigger, version):
        allowed = await _author(session, trigger.workspace_id, version)
        access = replace(access, permissions=access.permissions & allowed)
    return Acting(access, version.number)


def key_kept(access: Access, trigger: WorkflowTrigger) -> dict[str, Any] | None:
    """What is kept of an API key that fires a trigger by hand; raises WorkflowTriggerNotYours."""
    if access.api_key_id is None:
        return None
    known = trigger.caller
    if known["credential"] == "api_key" and known["credential_id"] != str(access.api_key_id):
        raise WorkflowTriggerNotYours("It was made with another API key: take that one.")
    return {**remembered(access), "permissions": sorted(access.permissions)}


async def _owner(
    session: AsyncSession, trigger: WorkflowTrigger, known: Mapping[str, Any]
) -> Access:
    """Their rights of now; where they used an API key, no more than that key might, and may."""
    begun = Access(
        trigger.workspace_id,
        trigger.owner_id,
        known_permissions(known.get("permissions", ())),
        known["credential"],
        UUID(known["credential_id"]),
        limits=limits_of(known["limits"]),
        rules=restored(known["rules"]),
    )
    bare = await api_keys.as_it_is(session, begun)
    if bare is None:
        raise TriggerKeyEnded
    try:
        place = await workspaces.living(session, bare, trigger.workspace_id)
    except WorkspaceNotFound:
        raise WorkspaceNotFound("The trigger's owner has left the workspace.") from None
    held = place.permissions
    if bare.api_key_id is not None:
        held &= bare.permissions
    if Permission.WORKFLOWS_RUN not in held or not await users.is_active(session, bare.user_id):
        raise TriggerOwnerLacks
    return replace(bare, permissions=held, role=place.membership.role)


def _is_owners(trigger: WorkflowTrigger, version: WorkflowVersion) -> bool:
    """Whether the owner wrote it, or set the trigger up when it was the one that would run.

    With an API key they have not written it with all that they may do.
    """
    taken_on: bool = trigger.caller.get("answers_for") == str(version.id)
    is_own = version.created_by_id == trigger.owner_id and version.api_key_id is None
    return taken_on or is_own


async def _author(
    session: AsyncSession, workspace_id: UUID, version: WorkflowVersion
) -> frozenset[Permission]:
    """What whoever wrote a version may do now, and their key; raises VersionAuthorLacks."""
    lacking = VersionAuthorLacks(
        f"Version {version.number}: have somebody who may write another one, or change the trigger "
        "and so answer for this one."
    )
    if version.created_by_id is None:
        raise lacking
    allowed = (await standing_of(session, workspace_id, version.created_by_id)).permissions
    if version.api_key_id is not None:
        author = Access(workspace_id, version.created_by_id, allowed, "api_key", version.api_key_id)
        by_key = await api_keys.as_it_is(session, author)
        allowed = frozenset() if by_key is None else by_key.permissions
    is_active = await users.is_active(session, version.created_by_id)
    if Permission.WORKFLOWS_RUN not in allowed or not is_active:
        raise lacking
    return allowed
