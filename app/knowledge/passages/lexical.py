"""Passages by their words: ranked as BM25 does, in Postgres, within a reach.

The function `luminous_search` (revision 0027, as 0050 words it) finds and ranks. How many passages
there are, and which words are in so many that counting them would take long, is estimated here now
and then.
"""

import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.knowledge.passages.words import Words
from app.knowledge.vectors.index import Reach

# Passages from which a sample says which words are common; below, words are counted each time.
FEW: Final = 5_000
SAMPLE: Final = 1_000
COMMON: Final = 0.005
# A count is kept for so many seconds: the more passages, the less a few more of them matter.
SECONDS_A_PASSAGE: Final = 1 / 200
LONGEST_SECONDS: Final = 600.0
MOST_WORKSPACES: Final = 1_000

# From one configuration to the next one over the index, without reading what is between.
_CONFIGS = text("""
    with recursive known as (
        (select config from passages where workspace_id = :workspace_id order by config limit 1)
        union all
        select (
            select config from passages
            where workspace_id = :workspace_id and config > known.config order by config limit 1
        ) from known where known.config is not null
    )
    select config::text from known where config is not null
""")
_COUNTS = text("""
    select config::text, count(*) from passages where workspace_id = :workspace_id group by config
""")
_MEAN = text("""
    select avg(length(lexemes)) from (
        select lexemes from passages where workspace_id = :workspace_id limit 300
    ) sampled
""")
_COMMON = text("""
    with sampled as materialized (
        select id from passages where workspace_id = :workspace_id and random() < :share limit :most
    )
    select lexeme, count(*)::float / (select greatest(count(*), 1) from sampled)
    from passages join sampled using (id), unnest(lexemes)
    where workspace_id = :workspace_id group by lexeme
    having count(*) >= :common * (select count(*) from sampled)
""")
_SEARCH = text("""
    select passage_id, score, share from luminous_search(
        cast(:asked as jsonb), cast(:reach as jsonb), cast(:narrow as jsonb), :most
    )
""")
_SUGGEST = text("""
    select suggestion, kind from luminous_suggest(:beginning, cast(:reach as jsonb), :most)
""")


@dataclass(frozen=True, slots=True)
class Narrow:
    """Which of the reachable passages are wanted; None for all. `until` is exclusive."""

    configs: tuple[str, ...] | None = None
    since: datetime | None = None
    until: datetime | None = None

    def told(self) -> dict[str, Any]:
        given = {"configs": self.configs, "since": self.since, "until": self.until}
        return {name: value for name, value in given.items() if value is not None}

    def takes(self, config: str, created_at: datetime) -> bool:
        return (
            (self.configs is None or config in self.configs)
            and (self.since is None or created_at >= self.since)
            and (self.until is None or created_at < self.until)
        )


@dataclass(frozen=True, slots=True)
class Counted:
    """What is known of a workspace's passages: how many by configuration, and how long.

    `common` has the share of passages that a lexeme stands in, where that is much.
    """

    configs: Mapping[str, int]
    mean: float = 1.0
    common: Mapping[str, float] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return sum(self.configs.values())

    def told(self) -> dict[str, Any]:
        configs = [{"name": name, "passages": n} for name, n in self.configs.items()]
        return {"configs": configs, "mean": self.mean, "common": self.common}


@dataclass(frozen=True, slots=True)
class Match:
    """A passage that has some of the words; a higher score is better.

    `share` is how much of what was asked for it has, a rare word being more than a common one:
    1 where it has every word.
    """

    passage_id: UUID
    score: float
    share: float = 1.0


class Lexical:
    """Searches by words, with what this process remembers of each workspace."""

    def __init__(self) -> None:
        self._known: OrderedDict[UUID, tuple[float, Counted]] = OrderedDict()

    async def search(
        self,
        session: AsyncSession,
        workspace_id: UUID,
        words: Words,
        reaches: Sequence[Reach],
        narrow: Narrow,
        most: int,
    ) -> list[Match]:
        """The best passages, best first; the session's scope must be the workspace's."""
        if not words or not reaches:
            return []
        counted = await self._counted(session, workspace_id)
        if not counted.configs:
            return []
        given = {
            "asked": _json({**words.told(), **counted.told()}),
            "reach": _reach(reaches),
            "narrow": _json(narrow.told()),
            "most": most,
        }
        found = await session.execute(_SEARCH, given)
        return [Match(UUID(str(row[0])), float(row[1]), float(row[2])) for row in found]

    async def _counted(self, session: AsyncSession, workspace_id: UUID) -> Counted:
        """What is remembered, unless it is old or a configuration has come or gone since."""
        scope = {"workspace_id": workspace_id}
        configs = set((await session.scalars(_CONFIGS, scope)).all())
        known = self._known.get(workspace_id)
        if known is not None:
            age = time.monotonic() - known[0]
            kept = min(known[1].total * SECONDS_A_PASSAGE, LONGEST_SECONDS)
            if age < kept and configs == set(known[1].configs):
                return known[1]
        counted = await _count(session, workspace_id)
        self._known[workspace_id] = (time.monotonic(), counted)
        self._known.move_to_end(workspace_id)
        while len(self._known) > MOST_WORKSPACES:
            self._known.popitem(last=False)
        return counted


async def suggest(
    session: AsyncSession, beginning: str, reaches: Sequence[Reach], most: int
) -> list[tuple[str, str]]:
    """Titles that begin so, each once with its kind, in alphabetical order."""
    given = {"beginning": beginning, "reach": _reach(reaches), "most": most}
    return [(row.suggestion, row.kind) for row in await session.execute(_SUGGEST, given)]


async def _count(session: AsyncSession, workspace_id: UUID) -> Counted:
    scope = {"workspace_id": workspace_id}
    configs = {row[0]: row[1] for row in await session.execute(_COUNTS, scope)}
    mean = float(await session.scalar(_MEAN, scope) or 1)
    total, common = sum(configs.values()), {}
    if total > FEW:
        given = {"share": 1.2 * SAMPLE / total, "most": SAMPLE, "common": COMMON}
        common = {row[0]: row[1] for row in await session.execute(_COMMON, {**scope, **given})}
    return Counted(configs, mean, common)


def _reach(reaches: Sequence[Reach]) -> str:
    return _json(
        [
            {
                "kind": each.kind,
                "parents": each.parents,
                "owner": each.owner,
                "subjects": each.subjects,
            }
            for each in reaches
        ]
    )


def _json(value: Any) -> str:
    return orjson.dumps(value, default=str).decode()
