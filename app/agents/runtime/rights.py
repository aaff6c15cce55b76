"""What whoever began a run may still do, when another process goes on with it.

A run may wait for weeks. Meanwhile its starter may have left, or have a smaller role by now.
"""

from dataclasses import replace

from app.agents.runtime.errors import StarterGone
from app.core.auth import Access
from app.core.db import AsyncSession
from app.identity.api_keys import service as api_keys
from app.identity.users import service as users
from app.identity.workspaces import service as workspaces
from app.identity.workspaces.errors import MembershipSuspended, WorkspaceNotFound


async def still_held(session: AsyncSession, begun: Access) -> Access:
    """The rights that a run was begun with, as far as its starter and their key have them still.

    Limits and rules are the key's of now. Raises StarterGone for one who has left or is suspended,
    and for a key that has ended. That a session has ended changes nothing.
    """
    known = await api_keys.as_it_is(session, begun)
    if known is None:
        raise StarterGone("The API key that began the run has ended.")
    try:
        place = await workspaces.living(session, begun, begun.workspace_id)
    except WorkspaceNotFound:
        raise StarterGone("Whoever began the run has left the workspace.") from None
    except MembershipSuspended:
        raise StarterGone("Whoever began the run is suspended in the workspace.") from None
    if not await users.is_active(session, begun.user_id):
        raise StarterGone("The account of whoever began the run is not active.")
    permissions = known.permissions & place.permissions
    return replace(known, permissions=permissions, role=place.membership.role)
