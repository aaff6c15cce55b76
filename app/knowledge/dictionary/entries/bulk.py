"""Many entries at once, each on its own."""

from collections.abc import Sequence
from uuid import UUID

from app.core import bulk
from app.core.auth import Access
from app.core.bulk import BulkResult
from app.core.db import AsyncSession
from app.core.errors import FieldError
from app.knowledge.dictionary.entries import review, service
from app.knowledge.dictionary.entries.writes import (
    EntryBulkCreate,
    EntryBulkDelete,
    EntryBulkItem,
    EntryBulkTransition,
    EntryBulkUpdate,
)
from app.knowledge.dictionary.errors import EntryInvalid


async def run(session: AsyncSession, access: Access, items: Sequence[EntryBulkItem]) -> BulkResult:
    """One that fails leaves the others done, and nothing of itself."""

    async def act(numbered: "_Numbered") -> UUID:
        at, item = f"/body/items/{numbered.number}", numbered.item
        if isinstance(item, EntryBulkCreate):
            return (await service.create(session, access, item.entry, at=f"{at}/entry")).id
        if isinstance(item, EntryBulkUpdate):
            await service.update(
                session, access, item.id, item.change, at=f"{at}/change", expected=item.version
            )
        elif isinstance(item, EntryBulkDelete):
            await service.delete(session, access, item.id, expected=item.version)
        else:
            await _transition(session, access, item, at)
        return item.id

    return await bulk.each(session, [_Numbered(*each) for each in enumerate(items)], act)


class _Numbered:
    """An item and its place; `id` is that of the entry it names, if any."""

    def __init__(self, number: int, item: EntryBulkItem) -> None:
        self.number, self.item = number, item
        self.id: UUID | None = getattr(item, "id", None)


async def _transition(
    session: AsyncSession, access: Access, item: EntryBulkTransition, at: str
) -> None:
    if item.replaced_by_id and item.action != "deprecate":
        detail = "is for deprecate alone"
        raise EntryInvalid(FieldError(f"{at}/replaced_by_id", "not_offered", detail))
    if item.action == "reject" and item.comment is None:
        raise EntryInvalid(FieldError(f"{at}/comment", "missing", "say what is to be better"))
    if item.action == "restore":
        await service.restore(session, access, item.id, comment=item.comment, expected=item.version)
        return
    await review.transition(
        session,
        access,
        item.id,
        item.action,
        comment=item.comment,
        replaced_by_id=item.replaced_by_id,
        at=at,
        expected=item.version,
    )
