"""Whether an account may be used, told to who has given its password; and locked accounts."""

from app.core.config import Settings
from app.core.db import RESTORABLE, SYSTEM
from app.core.kernel import Kernel
from app.identity.trail import note_of_person
from app.identity.users import letters, service
from app.identity.users.errors import AccountDeactivated, AccountDeleted, EmailUnverified
from app.identity.users.models import User

USER = "user"


def check_standing(user: User, settings: Settings) -> None:
    """Raise AccountDeleted, AccountDeactivated or EmailUnverified for who may not sign in now."""
    if user.status == "deleted":
        raise AccountDeleted(
            f"For {RESTORABLE.days} days `POST /v1/auth/restore` brings it back, with the same "
            "words as here."
        )
    if user.status == "erasing":
        raise AccountDeleted("It was deleted too long ago to be restored.")
    if user.status == "deactivated":
        if user.deactivated_by == "self":
            raise AccountDeactivated("`POST /v1/auth/restore` activates it, with the same words.")
        raise AccountDeactivated("Ask an operator of this installation.")
    if settings.require_verified_email and user.email_verified_at is None:
        raise EmailUnverified("Use the token that was mailed to you, or ask for a new password.")


def tell_lock_soon(kernel: Kernel, user: User) -> None:
    """Mail the owner of an account that was just locked, in the background.

    It takes no time that would tell of the account.
    """

    async def tell() -> None:
        async with kernel.database.unit(SYSTEM) as session:
            await service.write(session, user, letters.account_locked())
            await note_of_person(
                session, user.id, "account.locked", USER, user.id, outcome="refused"
            )

    if user.status == "active":
        kernel.background.soon("account.locked", tell)
