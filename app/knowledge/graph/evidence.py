"""The passages that tell of an entity or a relation, as a caller is shown them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.auth import Access
from app.core.paging import Cursors, Keyset, PageQuery, Slice, fetch_page
from app.knowledge.graph.models import GraphContribution
from app.knowledge.graph.sight import Member, Sight, Sources, still_visible
from app.knowledge.passages.models import Passage

AROUND: Final = 80
LONGEST: Final = 400


@dataclass(frozen=True, slots=True)
class Evidence:
    """A contribution with its passage."""

    contribution: GraphContribution
    passage: Passage

    @property
    def spans(self) -> list[dict[str, int]]:
        return [{"start": start, "end": end} for start, end in self.contribution.spans]

    @property
    def quote(self) -> str:
        text = self.passage.text
        start, end = self.contribution.spans[0] if self.contribution.spans else (0, 0)
        return text[max(start - AROUND, 0) : end + AROUND][:LONGEST]

    def __getattr__(self, name: str) -> Any:
        of_passage = ("kind", "subject_id", "parent_id", "title", "heading", "locator")
        return getattr(self.passage if name in of_passage else self.contribution, name)


async def page(
    session: AsyncSession,
    sight: Sight,
    root_id: UUID,
    query: PageQuery,
    cursors: Cursors,
    *,
    of: Any,
) -> Slice[GraphContribution]:
    """Newest first; `of` is Member for an entity, Link for a relation."""
    statement = sight.mentions() if of is Member else sight.links()
    return await fetch_page(
        session,
        statement.where(of.root_id == root_id),
        Keyset(GraphContribution.created_at, GraphContribution.id),
        query,
        cursors=cursors,
        workspace_id=sight.workspace_id,
        within=str(root_id),
    )


async def shown(
    session: AsyncSession,
    access: Access,
    sources: Sources,
    contributions: Sequence[GraphContribution],
) -> list[Evidence]:
    """With their passages, as far as the caller may see those now."""
    ids = {each.passage_id for each in contributions}
    found = select(Passage).where(Passage.workspace_id == access.workspace_id, Passage.id.in_(ids))
    passages = {each.id: each for each in await session.scalars(found)}
    visible = await still_visible(session, access, sources, passages.values())
    return [
        Evidence(each, passages[each.passage_id])
        for each in contributions
        if each.passage_id in visible
    ]
