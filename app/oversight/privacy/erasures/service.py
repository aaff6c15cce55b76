"""What may be done with erasures."""

import base64
from datetime import timedelta
from typing import Literal
from uuid import UUID

from app.core.audit import Note, note
from app.core.auth import Access
from app.core.clock import now
from app.core.crypto import Vault
from app.core.db import AsyncSession
from app.core.ids import new_id
from app.core.paging import Cursors, PageQuery, Slice
from app.oversight.audit import keys
from app.oversight.privacy.erasures import crud
from app.oversight.privacy.erasures.errors import (
    CertificateNotFound,
    ErasureBegun,
    ErasureNotFound,
    ErasureUnderWay,
    WorkspacesNeedOwner,
)
from app.oversight.privacy.erasures.models import PrivacyErasure
from app.oversight.privacy.erasures.schemas import CertificateRead
from app.oversight.privacy.people import People

Reason = Literal["person", "account_deleted", "operator"]


async def create(
    session: AsyncSession, access: Access, people: People, *, wait: timedelta
) -> PrivacyErasure:
    """Ask for the caller's own erasure; raises ErasureUnderWay and WorkspacesNeedOwner."""
    if await crud.unfinished(session, access.user_id):
        raise ErasureUnderWay("Its state is in the list.")
    needed = await people.owned_alone(session, access.user_id)
    if needed:
        raise WorkspacesNeedOwner(needed)
    return await request(session, user_id=access.user_id, reason="person", wait=wait)


async def request(
    session: AsyncSession, *, user_id: UUID, reason: Reason, wait: timedelta = timedelta()
) -> PrivacyErasure:
    """Have a person erased by the job; where that was asked for before, the earlier request."""
    asked_before = await crud.unfinished(session, user_id)
    if asked_before is not None:
        return asked_before
    erasure = await crud.add(
        session,
        PrivacyErasure(id=new_id(), user_id=user_id, requested_by=reason, due_at=now() + wait),
    )
    note(
        session,
        Note(
            "erasure.requested", "privacy_erasure", erasure.id,
            actor_id=user_id, detail={"requested_by": reason},
        ),
    )  # fmt: skip
    return erasure


async def get(session: AsyncSession, access: Access, erasure_id: UUID) -> PrivacyErasure:
    """One of the caller's own; raises ErasureNotFound."""
    erasure = await crud.get(session, access.user_id, erasure_id)
    if erasure is None:
        raise ErasureNotFound
    return erasure


async def page(
    session: AsyncSession, access: Access, query: PageQuery, cursors: Cursors
) -> Slice[PrivacyErasure]:
    return await crud.page(session, access.user_id, query, cursors)


async def cancel(session: AsyncSession, access: Access, erasure_id: UUID) -> PrivacyErasure:
    """Call an erasure off before it begins; again is no error. Raises ErasureBegun."""
    erasure = await get(session, access, erasure_id)
    if erasure.status in crud.PENDING:
        erasure.status = "cancelled"
        await session.flush()
        note(session, Note("erasure.cancelled", "privacy_erasure", erasure.id))
    elif erasure.status != "cancelled":
        raise ErasureBegun
    return erasure


async def certificate(session: AsyncSession, vault: Vault, certificate_id: UUID) -> CertificateRead:
    """The certificate by its random number; raises CertificateNotFound. Needs SYSTEM."""
    erasure = await crud.certified(session, certificate_id)
    if erasure is None:
        raise CertificateNotFound
    signed_with = (erasure.certificate or {}).get("key_id", "")
    public_key = (await keys.trusted(session, vault)).get(signed_with)
    return CertificateRead.model_validate(
        {
            "certificate_id": erasure.certificate_id,
            "status": erasure.status,
            "certificate": erasure.certificate,
            "signature": _base64(erasure.signature),
            "public_key": _base64(public_key),
        }
    )


def _base64(raw: bytes | None) -> str | None:
    return None if raw is None else base64.b64encode(raw).decode()
