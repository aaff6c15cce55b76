"""Putting a proposed node where it would stand, and checking it there."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field

from app.automation.generation.drafting import Wrong, document_of
from app.automation.generation.errors import SuggestedAfterUnknown
from app.automation.generation.guarding import AT, Rules, guarded
from app.automation.generation.surroundings import Workbench
from app.automation.language.flow import OUT, Flow
from app.automation.workflows.checking import Findings, look_over
from app.automation.workflows.references import nodes_of
from app.core.auth import Access
from app.core.errors import FieldError

_ABSENT: Final = ("_not_found", "_unknown")


class Proposal(BaseModel):
    """As a model gives it."""

    model_config = ConfigDict(extra="ignore")

    node: str | dict[str, Any]
    port: str = OUT
    why: Annotated[str, Field(max_length=2000)] = ""
    words: Annotated[str, Field(max_length=2000)] = ""
    confidence: Annotated[float, Field(ge=0, le=1)] = 0.5


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a node is put: the scope's pointer below the definition, and what comes before."""

    scope: str
    after: str
    type: str


class Unfit(Exception):
    """A proposal that cannot stand there."""

    def __init__(self, node: dict[str, Any] | None, problems: Sequence[FieldError]) -> None:
        super().__init__("; ".join(each.detail for each in problems[:3]))
        self.node = node
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Placing:
    """Puts proposals into a definition; what was wrong with it before is not their doing."""

    workbench: Workbench
    access: Access
    definition: Mapping[str, Any]
    rules: Rules
    before: Findings
    spot: Spot

    async def put(self, proposal: Proposal) -> dict[str, Any]:
        """The fields of a NextNode but for its evidence; raises Unfit."""
        node: dict[str, Any] | None = None
        try:
            node = document_of(proposal.node, "/node")
            put = _put(self.definition, self.spot, node, proposal.port)
            warnings = await self._checked(put)
        except Wrong as error:
            raise Unfit(node, error.mistakes) from error
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


def spot_of(flow: Flow, after: str | None) -> Spot:
    """By default after the last node that leads nowhere; raises SuggestedAfterUnknown."""
    if after is None:
        left = {edge.from_ for edge in flow.edges}
        last = next((n for n in reversed(flow.nodes) if n.id not in left), flow.nodes[-1])
        return Spot("", last.id, last.type)
    for place, node in nodes_of(flow):
        if node.id == after:
            return Spot(place.rpartition("/nodes/")[0], node.id, node.type)
    raise SuggestedAfterUnknown(after)


def _put(
    definition: Mapping[str, Any], spot: Spot, node: dict[str, Any], port: str
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
