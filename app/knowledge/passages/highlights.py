"""Where the words of a search stand in a passage: ranges in code points, never markup."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.knowledge.passages.models import Passage
from app.knowledge.passages.pairs import is_unspaced, places_of
from app.knowledge.passages.words import Words

# Of the private use area; a text that has them itself is shown without ranges.
OPEN, CLOSE = "\ue0f0", "\ue0f1"
FRAGMENT: Final = 240

_OPTIONS: Final = f"HighlightAll=true, StartSel={OPEN}, StopSel={CLOSE}"
_MARKED = text("""
    with forms as (
        select distinct config, '''' || replace(replace(lexeme, '\\', '\\\\'), '''', '''''')
            || '''' || case when prefix then ':*' else '' end as form
        from (
            select c.config, prefix, lexeme
            from unnest(cast(:configs as text[])) c(config),
                unnest(cast(:words as text[]), cast(:prefixes as boolean[])) w(word, prefix),
                unnest(luminous_lexemes(c.config::regconfig, word))
            union
            select c.config, prefix, lexeme
            from unnest(cast(:configs as text[])) c(config),
                unnest(cast(:words as text[]), cast(:prefixes as boolean[])) w(word, prefix),
                unnest(luminous_lexemes('simple', word)) where prefix
        ) each_form
    ), queries as (
        select config::regconfig as config, string_agg(form, ' | ')::tsquery as query
        from forms group by config
    )
    select id, ts_headline(p.config, written, query, :options) as marked
    from passages p join queries q on q.config = p.config,
        luminous_unmarked(text) unmarked, luminous_unaccented(unmarked) unaccented,
        unnest(array[unmarked, nullif(unaccented, unmarked)]) written
    where workspace_id = :workspace_id and id = any(cast(:ids as uuid[])) and written is not null
""")


@dataclass(frozen=True, slots=True)
class Range:
    """From `start` up to `end`, in code points."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Fragment:
    """A piece of a passage; `ranges` count from the beginning of the passage, as it does itself."""

    start: int
    end: int
    text: str
    ranges: tuple[Range, ...]


async def ranges_of(
    session: AsyncSession, workspace_id: UUID, passages: Sequence[Passage], words: Words
) -> Mapping[UUID, tuple[Range, ...]]:
    """The words that were found, in any of their forms, by passage."""
    if not words or not passages:
        return {}
    given = {
        "workspace_id": workspace_id,
        "ids": [each.id for each in passages],
        "configs": sorted({each.config for each in passages}),
        "words": [each.text for each in words.terms],
        "prefixes": [each.prefix for each in words.terms],
        "options": _OPTIONS,
    }
    lengths = {each.id: len(each.text) for each in passages}
    marked: dict[UUID, set[Range]] = {each.id: set() for each in passages}
    for row in await session.execute(_MARKED, given):
        passage_id = UUID(str(row.id))
        marked[passage_id].update(read_marks(row.marked, lengths[passage_id]))
    pairs = [each.text for each in words.terms if is_unspaced(each.text)]
    return {each.id: _with_pairs(marked[each.id], each.text, pairs) for each in passages}


def _with_pairs(marked: Iterable[Range], text: str, pairs: Sequence[str]) -> tuple[Range, ...]:
    found = [Range(start, end) for start, end in places_of(text, pairs)]
    apart = [
        each
        for each in marked
        if not any(each.start < other.end and other.start < each.end for other in found)
    ]
    return tuple(sorted([*apart, *found], key=lambda each: each.start))


def read_marks(marked: str, length: int) -> tuple[Range, ...]:
    """The ranges that a marked copy of a text marks; none where it has another length unmarked."""
    if len(marked.replace(OPEN, "").replace(CLOSE, "")) != length:
        return ()
    found: list[Range] = []
    opened = 0
    for passed, mark in enumerate(re.finditer(f"[{OPEN}{CLOSE}]", marked)):
        place = mark.start() - passed
        if mark.group() == OPEN:
            opened = place
        else:
            found.append(Range(opened, place))
    return tuple(found)


def best_fragment(passage: str, ranges: Sequence[Range], length: int = FRAGMENT) -> Fragment:
    """The piece with the most different words found; its beginning where there are none."""
    start = 0
    if ranges:
        start = max(
            (each.start for each in ranges),
            key=lambda at: (_different(passage, ranges, at, at + length * 3 // 4), -at),
        )
    begin = _word_before(passage, max(0, start - length // 4)) if start > length // 4 else 0
    end = _word_after(passage, min(len(passage), begin + length))
    inside = tuple(each for each in ranges if begin <= each.start and each.end <= end)
    return Fragment(begin, end, passage[begin:end], inside)


def _different(passage: str, ranges: Sequence[Range], begin: int, end: int) -> int:
    return len(
        {
            passage[each.start : each.end].casefold()
            for each in ranges
            if begin <= each.start and each.end <= end
        }
    )


def _word_before(passage: str, place: int) -> int:
    """Where the word begins that this place is in, unless that is far away."""
    for at in range(place, max(0, place - 20), -1):
        if passage[at - 1].isspace():
            return at
    return place


def _word_after(passage: str, place: int) -> int:
    for at in range(place, min(len(passage), place + 20)):
        if passage[at].isspace():
            return at
    return min(len(passage), place + 20) if place + 20 >= len(passage) else place
