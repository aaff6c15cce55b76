"""The node type `retrieve`: the passages that answer a question best."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import Field

from app.agents.tools.local.documents import Documents
from app.agents.tools.tool import ToolFault
from app.automation.nodes.faults import expect_allowed, fault_of, fault_of_tool
from app.automation.nodes.fields import Slug
from app.automation.nodes.node_type import Given, StepContext, StepFault, TaskNode
from app.automation.nodes.paying import payer_of_step
from app.core.auth import Permission
from app.core.errors import AppError
from app.core.schema import Input, WholeNumber
from app.knowledge.search.errors import SearchUnavailable
from app.knowledge.search.question import DOCUMENT, Findings
from app.knowledge.search.schemas import QueryText, SearchConfiguration, SearchFilters
from app.knowledge.search.searching import Searching
from app.knowledge.search.telling import results


class RetrieveConfig(SearchConfiguration):
    query: QueryText
    collections: Annotated[
        list[Slug] | None,
        Field(
            min_length=1,
            max_length=50,
            description="Slugs or ids; by default all that whoever runs it may read.",
        ),
    ] = None
    limit: Annotated[WholeNumber, Field(ge=1, le=100)] = 8
    filters: Annotated[
        SearchFilters,
        Field(description="As of `POST /v1/search`; by default documents alone are searched."),
    ] = SearchFilters()


class Retrieve(TaskNode[RetrieveConfig]):
    """Searched with the rights of whoever started the run."""

    name = "retrieve"
    title = "Search the workspace's knowledge"
    config: ClassVar[type[Input]] = RetrieveConfig
    at_home = True
    example: ClassVar[Mapping[str, Any]] = {
        "id": "sources",
        "type": "retrieve",
        "with": {"query": "{{ inputs.question }}", "collections": ["handbook"], "limit": 5},
    }

    sample: ClassVar[Any] = {"passages": []}

    def __init__(self, searching: Searching, documents: Documents) -> None:
        self._searching = searching
        self._documents = documents

    async def perform(self, ctx: StepContext, config: RetrieveConfig) -> Given:
        """Raises StepFault; where the store of vectors is away, words alone are searched."""
        expect_allowed(ctx, Permission.SEARCH_READ)
        filters = config.filters
        if config.collections is not None:
            ids = await self._collections(ctx, frozenset(config.collections))
            filters = filters.model_copy(update={"collections": ids})
        elif not _narrowed(filters):
            filters = filters.model_copy(update={"kinds": [DOCUMENT]})
        try:
            mode, findings = config.mode, await self._found(ctx, config, filters)
        except SearchUnavailable:
            ctx.log("The store of vectors does not answer: searched by words alone.")
            mode = "lexical"
            by_words = config.model_copy(update={"mode": mode})
            findings = await self._found(ctx, by_words, filters)
        told = results(mode, findings).model_dump(mode="json")
        for warning in told["warnings"]:
            ctx.log(warning["detail"])
        return Given({"passages": told["data"]})

    async def _found(
        self, ctx: StepContext, config: RetrieveConfig, filters: SearchFilters
    ) -> Findings:
        question = config.question(config.query, filters.filters(), config.limit, highlights=False)
        payer = payer_of_step(ctx)
        try:
            return await self._searching.find(ctx.access, payer, question)
        except SearchUnavailable as error:
            if config.mode == "lexical":
                raise fault_of(error) from error
            raise
        except AppError as error:
            raise fault_of(error) from error

    async def _collections(self, ctx: StepContext, named: frozenset[str]) -> list[UUID]:
        try:
            seen = await self._documents.collections(ctx.access, named)
        except ToolFault as fault:
            raise fault_of_tool(fault) from None
        known = {name for each in seen for name in (each.slug, str(each.id))}
        if unknown := sorted(named - known):
            raise StepFault("collection_not_found", f"There is no collection `{unknown[0]}`.")
        return [each.id for each in seen]


def _narrowed(filters: SearchFilters) -> bool:
    """Whether the filters say themselves what kinds are searched."""
    return any((filters.kinds, filters.collections, filters.documents, filters.dictionaries,
                filters.entries))  # fmt: skip
