"""What becomes of the other ways in where an organisation asks for its own."""

from uuid import UUID

from app.core.audit import Note, note
from app.core.auth import Access
from app.core.clock import now
from app.core.db import SYSTEM, AsyncSession, apply_scope
from app.identity.connections import rules
from app.identity.connections.errors import SsoNeedsOwner
from app.identity.connections.models import SsoConnection
from app.identity.factors import service as factors
from app.identity.members import service as members
from app.identity.sessions import crud as sessions

ENDED = "sso_required"


async def enforce(session: AsyncSession, access: Access, connection: SsoConnection) -> None:
    """End what its people are signed in by, but for the caller's own session, where it is required.

    Owners keep sessions that took a second factor: it is their way in for the day their provider
    fails. Raises SsoNeedsOwner while no owner has one.
    """
    if not (connection.required and connection.enabled and connection.deleted_at is None):
        return
    # Sessions and second factors are rows of their people, whom this workspace does not see.
    await apply_scope(session, SYSTEM)
    try:
        await _keep_a_way_in(session, connection.workspace_id)
        ended = 0
        for user_id, rule in await rules.bound(session, connection):
            gone = await sessions.revoke_of_user(
                session,
                user_id,
                now(),
                ENDED,
                but=access.credential_id,
                all_factors=rule == rules.Rule.ORGANISATION_ONLY,
            )
            ended += len(gone)
    finally:
        await apply_scope(session, access.scope)
    detail = {"sessions_ended": ended}
    note(session, Note("sso_connection.enforced", "sso_connection", connection.id, detail=detail))


async def _keep_a_way_in(session: AsyncSession, workspace_id: UUID) -> None:
    for user_id in await members.owners(session, workspace_id):
        if await factors.second_factors(session, user_id):
            return
    raise SsoNeedsOwner("Owners are the way in for the day the provider fails: set one up.")
