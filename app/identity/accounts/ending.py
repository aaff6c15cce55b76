"""The end of an account: deactivated, deleted, restored within its time, or erased after it."""

from datetime import datetime

from app.core.audit import Note, note
from app.core.auth import Access
from app.core.clock import now
from app.core.db import RESTORABLE, AsyncSession
from app.core.errors import RestoreExpired
from app.core.kernel import Kernel
from app.core.versions import match
from app.identity.accounts import crud
from app.identity.accounts.errors import WorkspacesLeftAlone
from app.identity.accounts.proofs import ProvedPassword
from app.identity.forgetting import forget_on_commit
from app.identity.sessions import crud as sessions
from app.identity.sessions.errors import CredentialsRefused
from app.identity.sessions.service import still_signed_in
from app.identity.trail import note_of_person
from app.identity.users import crud as users
from app.identity.users import letters, one_time
from app.identity.users.errors import AccountDeactivated, UserNotFound
from app.identity.users.models import User
from app.identity.users.service import write
from app.identity.users.standing import USER
from app.identity.workspaces import crud as workspaces
from app.oversight.privacy import service as privacy

BATCH = 100
BY_OPERATOR = "operator"


async def deactivate(session: AsyncSession, kernel: Kernel, access: Access) -> None:
    """Close the caller's account until they restore it: no session and no key opens anything."""
    user = await still_signed_in(session, access)
    await match(session, user)
    user.status, user.deactivated_by = "deactivated", "self"
    await _shut(session, kernel, user, "account_deactivated")
    await note_of_person(session, user.id, "account.deactivated", USER, user.id)


async def delete(session: AsyncSession, kernel: Kernel, access: Access) -> None:
    """Delete the caller's account, softly; raises WorkspacesLeftAlone.

    The session is the system's.
    """
    user = await still_signed_in(session, access)
    await match(session, user)
    await crud.lock_owned(session, user.id)
    if names := await crud.left_alone(session, user.id):
        raise WorkspacesLeftAlone(names)
    user.status, user.deleted_at = "deleted", now()
    await _shut(session, kernel, user, "account_deleted")
    await write(session, user, letters.account_deleted(RESTORABLE.days))
    await note_of_person(session, user.id, "account.deleted", USER, user.id)


async def restore(session: AsyncSession, kernel: Kernel, proved: ProvedPassword) -> User:
    """Open a deactivated or deleted account again; one that is active stays as it is.

    Raises RestoreExpired, AccountDeactivated for one that an operator closed, and
    CredentialsRefused where the password was changed meanwhile.
    """
    user = await users.lock(session, proved.user_id)
    if user is None or user.password_hash != proved.checked_hash:
        raise CredentialsRefused("Check both and try again.")
    if user.restorable_until is not None and user.restorable_until < now():
        raise RestoreExpired
    if user.deactivated_by not in (None, "self"):
        raise AccountDeactivated("Ask an operator of this installation.")
    if user.status != "active":
        user.status, user.deactivated_by, user.deleted_at = "active", None, None
        forget_on_commit(session, kernel, user.id)
        await note_of_person(session, user.id, "account.restored", USER, user.id)
    if proved.replacement:
        user.password_hash = proved.replacement
    await session.flush()
    await session.refresh(user)
    return user


async def close(session: AsyncSession, kernel: Kernel, email: str) -> None:
    """Close a person's account as its operator, until `reopen`; raises UserNotFound.

    Neither its owner nor their organisation can open it. The session is the system's.
    """
    user = await _of_address(session, email)
    if user.status == "active":
        user.status = "deactivated"
    user.deactivated_by = BY_OPERATOR
    await _shut(session, kernel, user, "account_deactivated")
    await _note_by_operator(session, user, "account.deactivated")


async def reopen(session: AsyncSession, kernel: Kernel, email: str) -> None:
    """Let a person in again as the operator; a deleted account is its owner's to restore.

    Raises UserNotFound. The session is the system's.
    """
    user = await _of_address(session, email)
    if user.status == "deactivated":
        user.status = "active"
    user.deactivated_by = None
    forget_on_commit(session, kernel, user.id)
    await _note_by_operator(session, user, "account.activated")


async def _of_address(session: AsyncSession, email: str) -> User:
    found = await users.find(session, email)
    user = await users.lock(session, found.id) if found is not None else None
    if user is None or user.kind != "person":
        raise UserNotFound
    return user


async def _note_by_operator(session: AsyncSession, user: User, action: str) -> None:
    home = await workspaces.personal(session, user.id)
    note(
        session,
        Note(
            action,
            USER,
            user.id,
            workspace_id=home.id if home else None,
            subject_id=user.id,
            detail={"by": BY_OPERATOR},
        ),
    )


async def erase_some(session: AsyncSession, deleted_before: datetime) -> bool:
    """Ask for the erasure of accounts that cannot be restored; tells whether there were any.

    The session is the system's.
    """
    found = await crud.lock_unrestorable(session, deleted_before, BATCH)
    for user in found:
        await privacy.request_erasure(session, user_id=user.id, reason="account_deleted")
        user.status = "erasing"
    await session.flush()
    return bool(found)


async def _shut(session: AsyncSession, kernel: Kernel, user: User, reason: str) -> None:
    await session.flush()
    await sessions.revoke_of_user(session, user.id, now(), reason)
    await one_time.end_all(session, user.id)
    forget_on_commit(session, kernel, user.id)
