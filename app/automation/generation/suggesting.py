"""The work of a suggestion: a model's proposals, each checked, or what behaviour shows."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from app.agents.runtime.work import access_told
from app.automation.generation import behaviour, questions, seen_crud, telling
from app.automation.generation.asking import Interview
from app.automation.generation.behaviour import Seen
from app.automation.generation.drafting import Wrong, quoted, read
from app.automation.generation.errors import DefinitionUnreadable, WorkflowSuggestionFailed
from app.automation.generation.guarding import AT, rules_of
from app.automation.generation.help_schemas import WorkflowSuggestions
from app.automation.generation.outcomes import Outcomes
from app.automation.generation.placing import Placing, Proposal, Spot, Unfit, spot_of
from app.automation.generation.suggest_schemas import (
    AutomationsWanted,
    NextNodesWanted,
    WorkflowSuggest,
)
from app.automation.generation.surroundings import Workbench
from app.automation.language.flow import MOST_NODES, Flow, Scope
from app.automation.workflows.checking import Findings, look_over
from app.core.auth import Access
from app.core.db import AsyncSession
from app.inference.calls.calls import Calls
from app.runs.runs.context import RunContext
from app.runs.runs.work import Ending, Settlement

SUGGESTION: Final = "workflow_suggestion"
MOST_EVIDENCE: Final = 10
_COUNTED: Final = "counted"


class _Said(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _Proposals(_Said):
    suggestions: Annotated[list[Proposal], Field(max_length=20)]


class _Worded(_Said):
    id: str
    name: Annotated[str, Field(min_length=1, max_length=200)]
    why: Annotated[str, Field(min_length=1, max_length=1000)]


class _Words(_Said):
    automations: Annotated[list[_Worded], Field(max_length=50)]


@dataclass(frozen=True, slots=True)
class Place:
    """A definition that is gone on with, as it is, and where."""

    found: Findings
    spot: Spot


class Suggesting:
    """Has suggestions made; nothing of them is stored, or switched on."""

    kind = SUGGESTION

    def __init__(self, workbench: Workbench, calls: Calls) -> None:
        self._workbench = workbench
        self._calls = calls
        self._outcomes = Outcomes()

    async def run(self, ctx: RunContext) -> None:
        """Raises WorkflowSuggestionFailed, and what an interview and a definition raise."""
        access = access_told(ctx)
        wanted = WorkflowSuggest.model_validate(ctx.input["wish"]).from_
        interview = await Interview.begun(ctx, self._calls, self.kind)
        self._outcomes.begin(ctx, interview.spent)
        try:
            if isinstance(wanted, NextNodesWanted):
                found = await self._nodes(access, wanted, interview)
            else:
                found = await self._automations(access, wanted, interview)
        except Wrong as error:
            raise WorkflowSuggestionFailed(str(error)[:500]) from error
        usage = telling.usage(interview.spent) if interview.spent.calls else None
        whole = WorkflowSuggestions.model_validate(
            {"object": "workflow_suggestions", **found, "usage": usage}
        )
        self._outcomes.keep(ctx, whole)

    async def settle(self, ctx: RunContext, session: AsyncSession, ending: Ending) -> Settlement:
        return self._outcomes.settle(ctx, session, ending)

    async def _nodes(
        self, access: Access, wanted: NextNodesWanted, interview: Interview
    ) -> dict[str, Any]:
        """The fields of WorkflowSuggestions but for usage; raises Wrong."""
        place = await place_of(self._workbench, access, wanted)
        spot = place.spot
        asked, around = await questions.next_nodes(self._workbench, access, wanted, spot.after)
        proposals = read(await interview.answer(asked), _Proposals).suggestions[: wanted.limit]
        async with self._workbench.database.unit(access.scope) as session:
            known = await seen_crud.definitions(session, access.workspace_id, access.user_id)
        rules = rules_of(around, wanted.allow, MOST_NODES, wanted.goal)
        placing = Placing(self._workbench, access, wanted.definition, rules, place.found, spot)
        nodes, left_out = [], []
        for proposal in proposals:
            try:
                put = await placing.put(proposal)
            except Unfit as unfit:
                problems = [asdict(each) for each in unfit.problems]
                left_out.append({"node": unfit.node, "errors": problems})
            else:
                seen = _followed(known, spot.type, str(put["node"].get("type")))
                quote = quoted(proposal.words, wanted.goal)
                nodes.append({**put, "evidence": {"words": quote, **seen}})
        nodes.sort(key=lambda each: (-each["confidence"], -each["evidence"]["workflows"]))
        return {"nodes": nodes, "automations": [], "left_out": left_out, "looked_at": None}

    async def _automations(
        self, access: Access, wanted: AutomationsWanted, interview: Interview
    ) -> dict[str, Any]:
        """The same; raises Wrong and TimeZoneUnknown."""
        seen = await self._seen(interview.ctx, access, wanted)
        if wanted.words and seen.automations:
            answer = await interview.answer(questions.words(wanted, seen.automations))
            words = {each.id: each for each in read(answer, _Words).automations}
            # Numbers and links stay what was counted.
            for each in seen.automations:
                if said := words.get(each["id"]):
                    each["name"], each["why"] = said.name, f"{said.why} ({each['why']})"
        return {
            "nodes": [],
            "automations": seen.automations,
            "left_out": [],
            "looked_at": seen.looked_at,
        }

    async def _seen(self, ctx: RunContext, access: Access, wanted: AutomationsWanted) -> Seen:
        """What was counted, by whichever process: a model's words are about just that."""
        for event in ctx.history:
            if event.type == "log" and _COUNTED in event.body:
                return Seen(**event.body[_COUNTED])
        seen = await behaviour.seen(self._workbench, access, wanted)
        ctx.emit("log", step="count", **{_COUNTED: asdict(seen)})
        return seen


async def place_of(workbench: Workbench, access: Access, wanted: NextNodesWanted) -> Place:
    """Raises DefinitionUnreadable and SuggestedAfterUnknown."""
    found = await look_over(workbench.bench, access, wanted.definition, at=AT)
    if found.flow is None:
        wrong = tuple(
            replace(each, pointer=f"/body/from{each.pointer}") for each in found.errors[:50]
        )
        raise DefinitionUnreadable("Its form has to be mended first.", errors=wrong)
    return Place(found, spot_of(found.flow, wanted.after))


def _followed(
    known: Sequence[tuple[UUID, Mapping[str, Any]]], before: str, after: str
) -> dict[str, Any]:
    """In which workflows a node of the one type leads to one of the other."""
    ids = [workflow_id for workflow_id, definition in known if _leads(definition, before, after)]
    return {"workflows": len(ids), "workflow_ids": ids[:MOST_EVIDENCE]}


def _leads(definition: Mapping[str, Any], before: str, after: str) -> bool:
    flow = Flow.model_validate(definition)
    scopes: list[Scope] = [flow]
    while scopes:
        scope = scopes.pop()
        types = {node.id: node.type for node in scope.nodes}
        if any(types.get(e.from_) == before and types.get(e.to) == after for e in scope.edges):
            return True
        for node in scope.nodes:
            held = (node.body, node.catch, node.finally_, *(node.branches or {}).values())
            scopes += [each for each in held if each is not None]
    return False
