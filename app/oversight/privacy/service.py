"""What other rooms ask of this one."""

from uuid import UUID

from app.core.db import AsyncSession
from app.oversight.privacy.erasures import service as erasures
from app.oversight.privacy.erasures.models import PrivacyErasure


async def request_erasure(
    session: AsyncSession, *, user_id: UUID, reason: erasures.Reason
) -> PrivacyErasure:
    """Have a person erased from every store, in this transaction's wake; needs SYSTEM.

    Asked for twice it is done once. Where the person is the only owner of a workspace with other
    members, the erasure waits until that has changed.
    """
    return await erasures.request(session, user_id=user_id, reason=reason)
