"""What may be done with consents."""

from app.core.auth import Access
from app.core.db import AsyncSession
from app.core.ids import new_id
from app.core.paging import Cursors, Slice
from app.oversight.privacy.consents import crud
from app.oversight.privacy.consents.models import Consent
from app.oversight.privacy.consents.schemas import ConsentCreate, ConsentQuery, ConsentRead


async def create(session: AsyncSession, access: Access, new: ConsentCreate) -> ConsentRead:
    """Record a person's word; it is the last one on its purpose from now on."""
    consent = await crud.add(
        session, Consent(id=new_id(), user_id=access.user_id, **new.model_dump())
    )
    return _read(consent, current=True)


async def page(
    session: AsyncSession, access: Access, query: ConsentQuery, cursors: Cursors
) -> Slice[ConsentRead]:
    rows = await crud.page(session, access.user_id, query, cursors)
    current = await crud.current_among(session, access.user_id, [row.id for row in rows.data])
    return rows.map(lambda row: _read(row, current=row.id in current))


def _read(consent: Consent, *, current: bool) -> ConsentRead:
    shown = ("id", "purpose", "text_version", "granted", "method", "created_at")
    return ConsentRead.model_validate(
        {name: getattr(consent, name) for name in shown} | {"current": current}
    )
