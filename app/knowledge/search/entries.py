"""Entries of dictionaries, searched."""

from app.core.auth import Access
from app.inference.usage.payer import Payer
from app.knowledge.dictionary import store
from app.knowledge.dictionary.entries.reads import shown
from app.knowledge.search.question import ENTRY, Filters, Question
from app.knowledge.search.schemas import EntrySearchQuery
from app.knowledge.search.schemas_read import EntrySearchResults
from app.knowledge.search.searching import Searching
from app.knowledge.search.telling import LANGUAGES


async def search_entries(
    searching: Searching, access: Access, payer: Payer, query: EntrySearchQuery
) -> EntrySearchResults:
    """Whole entries, best first; raises SearchUnavailable."""
    filters = Filters(
        kinds=frozenset({ENTRY}),
        parents={ENTRY: (query.dictionary_id,)} if query.dictionary_id else {},
        languages=(query.language,) if query.language else None,
    )
    asked = Question(query.q, query.mode, filters, query.limit)
    findings = await searching.find(access, payer, asked)
    ids = [each.passage.subject_id for each in findings.found]
    async with searching.database.unit(access.scope) as session:
        concepts = await store.entries(session, access.workspace_id, ids)
    entries = {concept.entry.id: shown(concept) for concept in concepts}
    return EntrySearchResults.model_validate(
        {
            "mode": query.mode,
            "data": [
                {
                    "entry": entries[each.passage.subject_id],
                    "score": each.score,
                    "scores": each.scores,
                    "language": LANGUAGES.get(each.passage.config),
                    "title": each.passage.title,
                    "fragment": each.fragment,
                }
                for each in findings.found
                if each.passage.subject_id in entries
            ],
            "warnings": findings.warnings,
        }
    )
