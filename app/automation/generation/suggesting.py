"""How a definition could go on: a model's proposals, each checked where it would stand."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any, Final
from uuid import UUID

import orjson
from pydantic import BaseModel, ConfigDict, Field

from app.agents.templates.asking import Answered, Asked, ask
from app.automation.generation import behaviour, seen_crud, telling, wording
from app.automation.generation.behaviour import Seen
from app.automation.generation.describing import told
from app.automation.generation.drafting import Wrong, document_of, quoted, read
from app.automation.generation.errors import (
    DefinitionUnreadable,
    SuggestedAfterUnknown,
    WorkflowModelMissing,
    WorkflowSuggestionFailed,
)
from app.automation.generation.guarding import AT, Rules, guarded, rules_of
from app.automation.generation.suggest_schemas import AutomationsWanted, NextNodesWanted
from app.automation.generation.surroundings import Workbench, surroundings
from app.automation.language.flow import MOST_NODES, OUT, Flow, Scope
from app.automation.workflows.checking import Findings, look_over
from app.automation.workflows.references import nodes_of
from app.core.auth import Access
from app.core.errors import FieldError
from app.core.ids import new_id
from app.inference.calls.calls import Calls
from app.inference.usage.payer import payer_of

PURPOSE: Final = "workflow_suggestion"
MOST_OUTPUT: Final = 8000
MOST_EVIDENCE: Final = 10
_ABSENT: Final = ("_not_found", "_unknown")


class _Said(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _Proposal(_Said):
    node: str | dict[str, Any]
    port: str = OUT
    why: Annotated[str, Field(max_length=2000)] = ""
    words: Annotated[str, Field(max_length=2000)] = ""
    confidence: Annotated[float, Field(ge=0, le=1)] = 0.5


class _Proposals(_Said):
    suggestions: Annotated[list[_Proposal], Field(max_length=20)]


class _Worded(_Said):
    id: str
    name: Annotated[str, Field(min_length=1, max_length=200)]
    why: Annotated[str, Field(min_length=1, max_length=1000)]


class _Words(_Said):
    automations: Annotated[list[_Worded], Field(max_length=50)]


@dataclass(frozen=True, slots=True)
class _Spot:
    """Where a node is put: the scope's pointer below the definition, and what comes before."""

    scope: str
    after: str
    type: str


class _Unfit(Exception):
    """A proposal that cannot stand there."""

    def __init__(self, node: dict[str, Any] | None, problems: Sequence[FieldError]) -> None:
        super().__init__("; ".join(each.detail for each in problems[:3]))
        self.node = node
        self.problems = problems


@dataclass(frozen=True, slots=True)
class _Trying:
    """Puts proposals where they would stand; what was wrong before is not their doing."""

    workbench: Workbench
    access: Access
    wanted: NextNodesWanted
    rules: Rules
    before: Findings
    spot: _Spot

    async def put(self, proposal: _Proposal) -> dict[str, Any]:
        """The fields of a NextNode but for its evidence; raises _Unfit."""
        node: dict[str, Any] | None = None
        try:
            node = document_of(proposal.node, "/node")
            put = _put(self.wanted.definition, self.spot, node, proposal.port)
            warnings = await self._checked(put)
        except Wrong as error:
            raise _Unfit(node, error.mistakes) from error
        return {
            "node": node,
            "edge": {"from": self.spot.after, "to": node["id"], "port": proposal.port},
            "scope": f"{AT}{self.spot.scope}",
            "why": proposal.why,
            "confidence": proposal.confidence,
            "warnings": [asdict(each) for each in warnings],
        }

    async def _checked(self, put: dict[str, Any]) -> list[FieldError]:
        """Warnings that are new; raises Wrong for new mistakes."""
        known = [*self.before.errors, *self.before.warnings]
        found = await look_over(self.workbench.bench, self.access, put, at=AT)
        mistakes = [each for each in found.errors if each not in known]
        new: list[FieldError] = []
        for each in found.warnings:
            if each not in known:
                (mistakes if each.code.endswith(_ABSENT) else new).append(each)
        if mistakes or found.flow is None:
            raise Wrong(mistakes or found.errors)
        guard = guarded(found.flow, self.rules, self.before.flow)
        if guard.refused:
            raise Wrong(guard.refused)
        return [*new, *guard.warned]


@dataclass(frozen=True, slots=True)
class Suggesting:
    """What suggestions are made with."""

    workbench: Workbench
    calls: Calls

    async def nodes(self, access: Access, wanted: NextNodesWanted) -> dict[str, Any]:
        """The fields of WorkflowSuggestions.

        Raises DefinitionUnreadable, SuggestedAfterUnknown, WorkflowSuggestionFailed,
        WorkflowModelMissing, and what asking a model raises.
        """
        found = await look_over(self.workbench.bench, access, wanted.definition, at=AT)
        if found.flow is None:
            wrong = tuple(
                replace(each, pointer=f"/body/from{each.pointer}") for each in found.errors[:50]
            )
            raise DefinitionUnreadable("Its form has to be mended first.", errors=wrong)
        spot = _spot(found.flow, wanted.after)
        around = await surroundings(self.workbench, access, wanted.context, wanted.goal)
        system = wording.SUGGEST.format(
            allowed=", ".join(wanted.allow) or "nothing of the kind",
            nodes=MOST_NODES,
            most=wanted.limit,
            locale=wanted.locale,
            language=told(around),
        )
        user = wording.material(
            definition=_json(wanted.definition), it_goes_on_after=spot.after, goal=wanted.goal
        )
        answered = await self._ask(access, wanted.model, system, user, wording.SUGGESTED)
        proposals = _read(answered).suggestions[: wanted.limit]
        async with self.workbench.database.unit(access.scope) as session:
            known = await seen_crud.definitions(session, access.workspace_id, access.user_id)
        rules = rules_of(around, wanted.allow, MOST_NODES, wanted.goal)
        trying = _Trying(self.workbench, access, wanted, rules, found, spot)
        nodes, left_out = [], []
        for proposal in proposals:
            try:
                put = await trying.put(proposal)
            except _Unfit as unfit:
                problems = [asdict(each) for each in unfit.problems]
                left_out.append({"node": unfit.node, "errors": problems})
            else:
                seen = _followed(known, spot.type, str(put["node"].get("type")))
                quote = quoted(proposal.words, wanted.goal)
                nodes.append({**put, "evidence": {"words": quote, **seen}})
        nodes.sort(key=lambda each: (-each["confidence"], -each["evidence"]["workflows"]))
        return {
            "nodes": nodes,
            "automations": [],
            "left_out": left_out,
            "looked_at": {},
            "usage": telling.usage(answered.total, answered.model, 1),
        }

    async def automations(self, access: Access, wanted: AutomationsWanted) -> dict[str, Any]:
        """The same of behaviour; raises what wording them raises, and TimeZoneUnknown."""
        seen = await behaviour.seen(self.workbench, access, wanted)
        usage = (
            await self._word(access, wanted, seen) if wanted.words and seen.automations else None
        )
        return {
            "nodes": [],
            "automations": seen.automations,
            "left_out": [],
            "looked_at": seen.looked_at,
            "usage": usage,
        }

    async def _word(self, access: Access, wanted: AutomationsWanted, seen: Seen) -> dict[str, Any]:
        """Put a model's names and reasons in; numbers and links stay what was counted."""
        shown = [
            {"id": each["id"], "kind": each["kind"], "name": each["name"], "why": each["why"]}
            for each in seen.automations
        ]
        system = wording.WORD.format(locale=wanted.locale)
        user = wording.material(automations=_json(shown))
        answered = await self._ask(access, wanted.model, system, user, wording.WORDED)
        try:
            words = {each.id: each for each in read(answered.text, _Words).automations}
        except Wrong as error:
            raise WorkflowSuggestionFailed(str(error)[:500]) from error
        for each in seen.automations:
            if said := words.get(each["id"]):
                each["name"], each["why"] = said.name, f"{said.why} ({each['why']})"
        return telling.usage(answered.total, answered.model, 1)

    async def _ask(
        self, access: Access, model: str | None, system: str, user: str, schema: Mapping[str, Any]
    ) -> Answered:
        messages = [{"role": "system", "content": system}, {"role": "user", "content": user}]
        payer = payer_of(access, PURPOSE, new_id())
        asked = Asked(messages, model, schema, max_output_tokens=MOST_OUTPUT)
        answered = await ask(self.calls, payer, access, asked)
        if answered.by_demo:
            raise WorkflowModelMissing("The demo provider only repeats what it is asked.")
        return answered


def _read(answered: Answered) -> _Proposals:
    try:
        return read(answered.text, _Proposals)
    except Wrong as error:
        raise WorkflowSuggestionFailed(str(error)[:500]) from error


def _spot(flow: Flow, after: str | None) -> _Spot:
    """Raises SuggestedAfterUnknown."""
    if after is None:
        left = {edge.from_ for edge in flow.edges}
        last = next((n for n in reversed(flow.nodes) if n.id not in left), flow.nodes[-1])
        return _Spot("", last.id, last.type)
    for place, node in nodes_of(flow):
        if node.id == after:
            return _Spot(place.rpartition("/nodes/")[0], node.id, node.type)
    raise SuggestedAfterUnknown(after)


def _put(
    definition: Mapping[str, Any], spot: _Spot, node: dict[str, Any], port: str
) -> dict[str, Any]:
    """The definition with the node and its edge at the end of the scope; raises Wrong."""
    if not isinstance(node.get("id"), str):
        raise Wrong([FieldError("/node/id", "missing", "it has no id")])
    whole: dict[str, Any] = deepcopy(dict(definition))
    scope: Any = whole
    for step in spot.scope.split("/")[1:]:
        scope = scope[int(step)] if isinstance(scope, list) else scope[step]
    scope["nodes"] = [*scope["nodes"], node]
    edge = {"from": spot.after, "to": node["id"], "port": port}
    scope["edges"] = [*scope.get("edges", []), edge]
    return whole


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


def _json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
