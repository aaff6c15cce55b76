"""Queries on second factors. Row-level security shows a person's own alone."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.paging import Cursors, Keyset, PageQuery, Slice, fetch_page
from app.identity.factors.errors import PasskeyKnown
from app.identity.factors.models import Passkey, RecoveryCode, TotpFactor


async def kinds(session: AsyncSession, user_id: UUID) -> tuple[bool, bool, int]:
    """Whether a user has an authenticator app and a passkey, and the recovery codes left."""
    app = select(TotpFactor.id).where(
        TotpFactor.user_id == user_id, TotpFactor.confirmed_at.is_not(None)
    )
    passkey = select(Passkey.id).where(Passkey.user_id == user_id)
    codes = select(func.count()).where(
        RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None)
    )
    found = await session.execute(select(app.exists(), passkey.exists(), codes.scalar_subquery()))
    has_app, has_passkey, left = found.one()
    return bool(has_app), bool(has_passkey), int(left)


async def lock_totp(session: AsyncSession, user_id: UUID) -> TotpFactor | None:
    """A user's authenticator app, locked, so that of two uses of one code one comes second."""
    factor: TotpFactor | None = await session.scalar(
        select(TotpFactor).where(TotpFactor.user_id == user_id).with_for_update()
    )
    return factor


async def add_totp(session: AsyncSession, factor: TotpFactor) -> TotpFactor:
    session.add(factor)
    await session.flush()
    return factor


async def delete_totp(session: AsyncSession, factor: TotpFactor) -> None:
    await session.delete(factor)
    await session.flush()


async def replace_codes(session: AsyncSession, user_id: UUID, hashes: Iterable[bytes]) -> None:
    """Put these in the place of every recovery code that a user has."""
    await session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    session.add_all(RecoveryCode(user_id=user_id, code_hash=each, used_at=None) for each in hashes)
    await session.flush()


async def use_code(session: AsyncSession, user_id: UUID, code_hash: bytes, at: datetime) -> bool:
    """Use a recovery code up; False for an unknown or used one."""
    used = await session.scalar(
        update(RecoveryCode)
        .where(
            RecoveryCode.user_id == user_id,
            RecoveryCode.code_hash == code_hash,
            RecoveryCode.used_at.is_(None),
        )
        .values(used_at=at)
        .returning(RecoveryCode.id)
    )
    return used is not None


async def passkeys(session: AsyncSession, user_id: UUID) -> Sequence[Passkey]:
    found = await session.scalars(
        select(Passkey).where(Passkey.user_id == user_id).order_by(Passkey.id)
    )
    return found.all()


async def page_passkeys(
    session: AsyncSession, user_id: UUID, query: PageQuery, cursors: Cursors
) -> Slice[Passkey]:
    """A user's passkeys, newest first."""
    return await fetch_page(
        session,
        select(Passkey).where(Passkey.user_id == user_id),
        Keyset(Passkey.created_at, Passkey.id),
        query,
        cursors=cursors,
        workspace_id=user_id,
    )


async def get_passkey(session: AsyncSession, user_id: UUID, passkey_id: UUID) -> Passkey | None:
    passkey: Passkey | None = await session.scalar(
        select(Passkey).where(Passkey.user_id == user_id, Passkey.id == passkey_id)
    )
    return passkey


async def owner_of(session: AsyncSession, credential_id: bytes) -> UUID | None:
    """Whose passkey this is, by what its authenticator calls it."""
    owner_id: UUID | None = await session.scalar(
        select(Passkey.user_id).where(Passkey.credential_id == credential_id)
    )
    return owner_id


async def lock_passkey(session: AsyncSession, credential_id: bytes) -> Passkey | None:
    """A passkey by what its authenticator calls it, locked while its signature is checked."""
    passkey: Passkey | None = await session.scalar(
        select(Passkey).where(Passkey.credential_id == credential_id).with_for_update()
    )
    return passkey


async def add_passkey(session: AsyncSession, passkey: Passkey) -> Passkey:
    """Store a passkey; raises PasskeyKnown."""
    session.add(passkey)
    try:
        await session.flush()
    except IntegrityError as error:
        raise PasskeyKnown("An authenticator makes a fresh one for every account.") from error
    return passkey


async def delete_passkey(session: AsyncSession, passkey: Passkey) -> None:
    await session.delete(passkey)
    await session.flush()


async def mark_used(session: AsyncSession, passkey: Passkey, count: int, at: datetime) -> None:
    """Keep the authenticator's count and the time: being used is no change of the passkey."""
    await session.execute(
        update(Passkey)
        .where(Passkey.id == passkey.id, or_(Passkey.sign_count < count, Passkey.sign_count == 0))
        .values(sign_count=count, last_used_at=at, updated_at=Passkey.updated_at)
    )
