"""What may be done with exports."""

from pathlib import Path
from uuid import UUID

from app.core.audit import Note, note
from app.core.auth import Access
from app.core.db import AsyncSession
from app.core.ids import new_id
from app.core.paging import Cursors, PageQuery, Slice
from app.oversight.privacy.exports import crud, folder
from app.oversight.privacy.exports.errors import ExportExpired, ExportNotFound, ExportNotReady
from app.oversight.privacy.exports.models import PrivacyExport


async def create(session: AsyncSession, access: Access) -> PrivacyExport:
    """Ask for an archive of the caller's data; raises ExportUnderWay."""
    export = await crud.add(
        session,
        PrivacyExport(id=new_id(), user_id=access.user_id, requested_in=access.workspace_id),
    )
    note(session, Note("export.created", "privacy_export", export.id))
    return export


async def get(session: AsyncSession, access: Access, export_id: UUID) -> PrivacyExport:
    """One of the caller's own; raises ExportNotFound."""
    export = await crud.get(session, access.user_id, export_id)
    if export is None:
        raise ExportNotFound
    return export


async def page(
    session: AsyncSession, access: Access, query: PageQuery, cursors: Cursors
) -> Slice[PrivacyExport]:
    return await crud.page(session, access.user_id, query, cursors)


async def download(session: AsyncSession, access: Access, export_id: UUID, data_dir: Path) -> Path:
    """The archive's file; raises ExportNotReady and ExportExpired."""
    export = await get(session, access, export_id)
    if export.status in ("queued", "running", "failed"):
        raise ExportNotReady(f"Its status is `{export.status}`.")
    path = folder.archive_path(data_dir, export)
    if export.status == "expired" or not path.is_file():
        raise ExportExpired("Ask for another export.")
    note(session, Note("export.downloaded", "privacy_export", export.id))
    return path
