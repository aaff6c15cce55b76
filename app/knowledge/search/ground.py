"""What a search may look through: the caller's reach, narrowed to what is asked for."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from app.core.auth import Access
from app.core.db import AsyncSession
from app.knowledge.passages.draft import config_of
from app.knowledge.passages.lexical import Narrow
from app.knowledge.passages.models import Passage
from app.knowledge.passages.sources import Source
from app.knowledge.search.question import Filters
from app.knowledge.vectors.index import Reach

Sources = Mapping[str, Source]


@dataclass(frozen=True, slots=True)
class Ground:
    """`reaches` by kind; `by_model` the same, by the embedding model that their vectors are of."""

    reaches: Mapping[str, Reach]
    by_model: Mapping[str | None, Sequence[Reach]]
    narrow: Narrow

    def covers(self, passage: Passage) -> bool:
        """Whether a passage, as it is now, lies within."""
        reach = self.reaches.get(passage.kind)
        return (
            reach is not None
            and _covers(reach, passage)
            and self.narrow.takes(passage.config, passage.created_at)
        )


async def ground_of(
    session: AsyncSession, access: Access, sources: Sources, filters: Filters
) -> Ground:
    """Ask every source that is wanted what the caller may see."""
    reaches: dict[str, Reach] = {}
    by_model: dict[str | None, list[Reach]] = defaultdict(list)
    for kind, source in sources.items():
        if not filters.wants(kind):
            continue
        reach = await source.reach(session, access)
        if reach is None:
            continue
        reach = narrowed(reach, filters.parents.get(kind), filters.subjects.get(kind))
        if _is_empty(reach):
            continue
        reaches[kind] = reach
        models = await source.models(session, access.workspace_id)
        for model, part in _by_model(reach, models).items():
            by_model[model].append(part)
    return Ground(reaches, by_model, narrow_of(filters))


def narrow_of(filters: Filters) -> Narrow:
    configs = None
    if filters.languages is not None:
        configs = tuple(sorted({config_of(language) for language in filters.languages}))
    return Narrow(configs, filters.since, filters.until)


def narrowed(
    reach: Reach, parents: tuple[UUID, ...] | None, subjects: tuple[UUID, ...] | None
) -> Reach:
    """A reach without what is not asked for; it never grows.

    With `parents` it is these alone: what is the owner's own elsewhere is not asked for.
    """
    if parents is not None:
        everything = reach.parents is None and reach.owner is None
        allowed = None if everything else set(reach.parents or ())
        kept = tuple(each for each in parents if allowed is None or each in allowed)
        reach = replace(reach, parents=kept, owner=None)
    if subjects is not None:
        mine = None if reach.subjects is None else set(reach.subjects)
        reach = replace(
            reach, subjects=tuple(each for each in subjects if mine is None or each in mine)
        )
    return reach


def _is_empty(reach: Reach) -> bool:
    nowhere = reach.parents is not None and not reach.parents and reach.owner is None
    return nowhere or (reach.subjects is not None and not reach.subjects)


def _by_model(reach: Reach, models: Mapping[UUID, str]) -> Mapping[str | None, Reach]:
    """The reach by the model of its parents; None is the local one, for all that name none."""
    if reach.parents is None:
        # All there is: every model is asked, each for all; a space holds only what is its own.
        return dict.fromkeys([None, *models.values()], reach)
    parents: dict[str | None, list[UUID]] = defaultdict(list)
    for parent in reach.parents:
        parents[models.get(parent)].append(parent)
    if reach.owner is not None:
        parents.setdefault(None, [])
    return {model: replace(reach, parents=tuple(some)) for model, some in parents.items()}


def _covers(reach: Reach, passage: Passage) -> bool:
    within = (
        (reach.parents is None and reach.owner is None)
        or (passage.parent_id is not None and passage.parent_id in (reach.parents or ()))
        or (reach.owner is not None and passage.user_id == reach.owner)
    )
    return within and (reach.subjects is None or passage.subject_id in reach.subjects)
