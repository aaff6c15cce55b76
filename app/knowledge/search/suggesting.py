"""What someone who is typing may mean: titles, terms and headings that they may see."""

from collections.abc import Iterable
from typing import Final

from app.core.auth import Access
from app.core.db import AsyncSession
from app.knowledge.dictionary import store
from app.knowledge.parsing.letters import unaccented
from app.knowledge.passages import crud
from app.knowledge.passages.lexical import Lexical, suggest
from app.knowledge.passages.models import Passage
from app.knowledge.passages.words import Term, Words
from app.knowledge.search.ground import Sources, ground_of
from app.knowledge.search.question import ENTRY, Filters

# From so many letters on words within titles and headings are looked at, too.
ENOUGH: Final = 3
LOOKED_AT: Final = 40
# As headings are joined: the last one is the closest.
BETWEEN: Final = " \u203a "


async def suggestions(
    session: AsyncSession,
    access: Access,
    sources: Sources,
    lexical: Lexical,
    typed: str,
    filters: Filters,
    limit: int,
) -> list[tuple[str, str]]:
    """Texts with their kinds: titles that begin so first, then terms, then those with such a word.

    A term that is to be used may be no title: one that is admitted, or an abbreviation.
    """
    typed = " ".join(typed.split())
    ground = await ground_of(session, access, sources, filters)
    reaches = tuple(ground.reaches.values())
    if not typed or not reaches:
        return []
    found = dict.fromkeys(await suggest(session, typed, reaches, limit))
    entries = ground.reaches.get(ENTRY)
    if len(found) < limit and entries is not None:
        terms = await store.terms_beginning(
            session, access.workspace_id, entries.parents or (), typed, limit
        )
        found |= dict.fromkeys((term, ENTRY) for term in terms)
    if len(found) < limit and len(typed) >= ENOUGH:
        *before, last = typed.split()
        words = Words((*(Term(word) for word in before), Term(last, prefix=True)))
        matches = await lexical.search(
            session, access.workspace_id, words, reaches, ground.narrow, LOOKED_AT
        )
        ids = [each.passage_id for each in matches]
        rows = {each.id: each for each in await crud.by_ids(session, access.workspace_id, ids)}
        passages = [rows[each] for each in ids if each in rows and ground.covers(rows[each])]
        found |= dict.fromkeys(_named(passages, unaccented(typed.casefold()).split()))
    return list(found)[:limit]


def _named(passages: Iterable[Passage], typed: list[str]) -> Iterable[tuple[str, str]]:
    """Titles and headings in which words begin as those that were typed."""
    for passage in passages:
        for name in (passage.title, passage.heading.rpartition(BETWEEN)[2]):
            words = unaccented(name.casefold()).split()
            if name and all(any(word.startswith(each) for word in words) for each in typed):
                yield name, passage.kind
