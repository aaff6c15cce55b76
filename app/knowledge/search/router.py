"""/v1/search, and the search over a dictionary's entries."""

from typing import Annotated

from fastapi import Depends, Query, Request

from app.core.auth import Access, Permission
from app.core.http.guard import guarded_router, require
from app.core.http.problems import problems
from app.core.http.rails import off_rails
from app.core.http.units import Session
from app.core.ids import new_id
from app.inference.calls.features import FeatureNotAllowed
from app.inference.routing.errors import ModelNotAllowed
from app.inference.usage.payer import payer_of
from app.knowledge.search import suggesting, telling
from app.knowledge.search.entries import search_entries
from app.knowledge.search.errors import RerankerUnknown, RerankingFailed, SearchUnavailable
from app.knowledge.search.question import Filters
from app.knowledge.search.schemas import EntrySearchQuery, SearchCreate, SuggestionQuery
from app.knowledge.search.schemas_read import EntrySearchResults, SearchResults, Suggestions
from app.knowledge.search.searching import Searching

PURPOSE = "search"
Searcher = Annotated[Access, require(Permission.SEARCH_READ)]
EntrySearcher = Annotated[Access, require(Permission.DICTIONARY_READ)]

router = guarded_router(prefix="/v1/search", tag="search")
entries_router = guarded_router(prefix="/v1/dictionary/entries", tag="search")


def searching_of(request: Request) -> Searching:
    searching: Searching = request.app.state.knowledge.searching
    return searching


SearchingDep = Annotated[Searching, Depends(searching_of)]


@router.post(
    "",
    operation_id="search_create",
    summary="Search everything that you may see, by words and by meaning",
    description=(
        "One ranked list over documents, dictionary entries, messages and what else there is. "
        "`hybrid` joins the passages that are found by meaning with those that have the words "
        "(reciprocal rank fusion). What is not embedded yet is found by its words. Nothing is "
        "changed; a search that asks models of integrations is paid for."
    ),
    response_model=SearchResults,
    responses=problems(
        SearchUnavailable, RerankerUnknown, RerankingFailed, FeatureNotAllowed, ModelNotAllowed
    ),
    dependencies=[off_rails("a search changes nothing")],
)
async def search(access: Searcher, searching: SearchingDep, asked: SearchCreate) -> SearchResults:
    payer = payer_of(access, PURPOSE, new_id())
    return telling.results(asked.mode, await searching.find(access, payer, asked.asked()))


@router.get(
    "/suggestions",
    operation_id="search_suggest",
    summary="Suggest titles, terms and headings while someone types",
    response_model=Suggestions,
    responses=problems(),
)
async def suggest(
    access: Searcher,
    session: Session,
    searching: SearchingDep,
    query: Annotated[SuggestionQuery, Query()],
) -> object:
    filters = Filters(kinds=frozenset(query.kinds) if query.kinds else None)
    found = await suggesting.suggestions(
        session, access, searching.sources, searching.lexical, query.q, filters, query.limit
    )
    return {"data": [{"text": text, "kind": kind} for text, kind in found]}


@entries_router.get(
    "/search",
    operation_id="dictionary_entries_search",
    summary="Search entries by meaning and by words, in one ranked list",
    description="Drafts are not searched. An entry stands once, for the best of its languages.",
    response_model=EntrySearchResults,
    responses=problems(SearchUnavailable),
)
async def search_dictionary(
    access: EntrySearcher, searching: SearchingDep, query: Annotated[EntrySearchQuery, Query()]
) -> object:
    return await search_entries(searching, access, payer_of(access, PURPOSE, new_id()), query)
