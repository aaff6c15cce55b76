"""Which second factors a person has, and the proof of each."""

from collections.abc import Sequence
from uuid import UUID

from app.core.db import AsyncSession
from app.identity.factors import crud
from app.identity.factors.methods import Method
from app.identity.users import crud as users


async def second_factors(session: AsyncSession, user_id: UUID) -> tuple[Method, ...]:
    """What may follow a user's password; nothing where the password is all there is."""
    app, passkey, codes_left = await crud.kinds(session, user_id)
    if not app and not passkey:
        return ()
    having = {Method.TOTP: app, Method.PASSKEY: passkey, Method.RECOVERY_CODE: codes_left > 0}
    return tuple(method for method, has in having.items() if has)


async def methods(session: AsyncSession, user_id: UUID) -> tuple[Method, ...]:
    """What a signed-in user can prove themselves with: second factors, else the password."""
    if found := await second_factors(session, user_id):
        return found
    user = await users.get(session, user_id)
    return (Method.PASSWORD,) if user is not None and user.password_hash else ()


def has_second(methods: Sequence[Method]) -> bool:
    """Whether these are second factors."""
    return any(method != Method.PASSWORD for method in methods)
