"""What a definition needs of its model, against what models declare and probes have shown."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import orjson

from app.agents.definitions import probe_crud
from app.agents.definitions.definition import AgentDefinition
from app.agents.definitions.desk import Desk
from app.agents.definitions.errors import CapabilityMismatch
from app.agents.definitions.models import ModelProbe
from app.core.auth import Access
from app.core.clock import now
from app.core.db import Scope
from app.core.errors import FieldError
from app.inference.calls.order import Order
from app.inference.integrations.directory import Target
from app.inference.providers.types import Usage
from app.inference.routing.built_in import chat_models
from app.inference.routing.entry import USUAL_OUTPUT_TOKENS
from app.inference.routing.errors import NoCandidate
from app.inference.routing.facts import facts_of, retired
from app.inference.routing.names import allows
from app.inference.routing.plan import Candidate, Plan, Question
from app.inference.routing.pool import Market
from app.inference.usage.payer import Payer
from app.inference.usage.service import estimate_text

PURPOSE: Final = "agent_run"
# What a tool's description takes of a context, roughly.
TOOL_TOKENS: Final = 150
# Of a context some is left for what is asked.
QUESTION_TOKENS: Final = 500
Evidence = Literal["declared", "probed"]
Probes = Mapping[tuple[str, str], ModelProbe]


@dataclass(frozen=True, slots=True)
class Needs:
    """Capabilities in routing's words, and how many tokens a call takes at least, roughly."""

    capabilities: frozenset[str]
    context: int


@dataclass(frozen=True, slots=True)
class Lack:
    """`capability` is `context` where the model reads too little."""

    capability: str
    evidence: Evidence
    said: str


@dataclass(frozen=True, slots=True)
class Fitting:
    """The model that a run is to ask: a reference, a route's name, or None for the usual one.

    Where another one than the definition's was `chosen`, `reason` says why.
    """

    model: str | None
    chosen: bool = False
    reason: str = ""


def needs(definition: AgentDefinition) -> Needs:
    """What a definition's model must be able to do."""
    wanted = {
        "tools": bool(definition.tools or definition.agents or _hands_off(definition)),
        "structured_output": definition.output_schema is not None,
        "vision": "image" in definition.inputs,
        "files": "file" in definition.inputs,
        "reasoning": definition.parameters.reasoning_effort not in (None, "none"),
    }
    output = definition.parameters.max_output_tokens or USUAL_OUTPUT_TOKENS
    tokens = estimate_text(definition.instructions) + QUESTION_TOKENS + output
    tokens += TOOL_TOKENS * (len(definition.tools) + len(definition.agents))
    if definition.memory.scopes or definition.memory.blocks:
        tokens += definition.memory.tokens
    if definition.output_schema is not None:
        tokens += estimate_text(orjson.dumps(definition.output_schema).decode())
    return Needs(frozenset(name for name, is_needed in wanted.items() if is_needed), tokens)


def _hands_off(definition: AgentDefinition) -> bool:
    return definition.pattern is not None and definition.pattern.type == "hand_off"


def payer_for(access: Access, purpose: str = PURPOSE) -> Payer:
    return Payer(
        access.workspace_id,
        access.user_id,
        purpose,
        api_key_id=access.api_key_id,
        customer=access.rules.customer,
        tags=access.rules.tags,
    )


async def plan_for(
    desk: Desk, access: Access, model: str | None, needed: Iterable[str] = ()
) -> Plan:
    """Who would answer; raises ModelUnknown, NoModel, ModelNotAllowed and NoCandidate."""
    question = Question(model, needs=frozenset(needed), explored=False)
    order = Order(payer_for(access), question, access.rules, access)
    return await desk.inference.calls.plan(order)


async def fitting_model(
    desk: Desk, access: Access, definition: AgentDefinition, *, model: str | None = None
) -> Fitting:
    """The model to ask: the definition's (or `model`), or another one where it lacks something.

    Raises CapabilityMismatch where the definition wants that refused, or no other one fits; and
    what planning raises.
    """
    wanted, needed = model or definition.model, needs(definition)
    probes = await known_probes(desk, access) if needed.capabilities else {}
    try:
        plan = await plan_for(desk, access, wanted, needed.capabilities)
    except NoCandidate as error:
        mismatch = _of_route(wanted or "auto", error, needed)
        if mismatch is None:
            raise
    else:
        mismatch = mismatch_of(plan, needed, probes)
        if mismatch is None:
            return Fitting(wanted)
    if definition.on_mismatch == "refuse":
        raise mismatch
    chosen = await _cheapest(desk, access, needed, probes)
    if chosen is None:
        raise mismatch
    return Fitting(chosen, chosen=True, reason=mismatch.detail.partition(". ")[0])


def mismatch_of(plan: Plan, needed: Needs, probes: Probes) -> CapabilityMismatch | None:
    """What the first candidate lacks, where all of them lack something."""
    found: tuple[str, Sequence[Lack]] | None = None
    for candidate in plan.candidates:
        lacks = lacks_of(candidate, needed, probes)
        if not lacks:
            return None
        found = found or (candidate.target.reference, lacks)
    return _mismatch(*found) if found else None


def lacks_of(candidate: Candidate, needed: Needs, probes: Probes) -> list[Lack]:
    """What a model is known not to do; a probe goes before what is declared."""
    target = candidate.target
    facts = facts_of(target.endpoint.kind, target.model.partition("?")[0], candidate.window)
    found = []
    for capability in sorted(needed.capabilities):
        probe = probes.get((target.reference, capability))
        if probe is not None and not probe.able:
            day = f"{probe.updated_at:%Y-%m-%d}"
            found.append(Lack(capability, "probed", f"a probe on {day} failed"))
        elif probe is None and capability in facts.cannot:
            found.append(Lack(capability, "declared", "it is declared not to have it"))
    if facts.context is not None and facts.context < needed.context:
        said = f"it reads {facts.context} tokens, and about {needed.context} are needed"
        found.append(Lack("context", "declared", said))
    return found


async def known_probes(desk: Desk, access: Access) -> Probes:
    """What probes have found of the workspace's models."""
    async with desk.database.unit(Scope(access.workspace_id)) as session:
        rows = await probe_crud.probes(session, access.workspace_id)
    return {(row.model, row.capability): row for row in rows}


async def _cheapest(desk: Desk, access: Access, needed: Needs, probes: Probes) -> str | None:
    """The model of the workspace that fits and costs least; those without a price are left out."""
    routes = desk.inference.routes
    market = (await routes.view(access.workspace_id)).market
    allowed = await routes.allowed(payer_for(access), access.rules)
    best: tuple[tuple[Any, ...], str] | None = None
    for endpoint, name in chat_models(market.endpoints):
        target = Target(endpoint, name)
        candidate = market.candidate(target)
        if not allows(allowed, endpoint.slug, name) or _is_gone(market, target):
            continue
        if candidate.price is None or lacks_of(candidate, needed, probes):
            continue
        cost = candidate.price.cost(Usage(needed.context, USUAL_OUTPUT_TOKENS))
        rank = (_doubts(candidate, needed, probes), cost, target.reference)
        if best is None or rank < best[0]:
            best = (rank, target.reference)
    return best[1] if best else None


def _is_gone(market: Market, target: Target) -> bool:
    return retired(market.told(target).get("retires_at"), now())


def _doubts(candidate: Candidate, needed: Needs, probes: Probes) -> int:
    """How many of the capabilities nobody has said or seen that it has."""
    target = candidate.target
    facts = facts_of(target.endpoint.kind, target.model, candidate.window)
    return sum(
        capability not in facts.can and (target.reference, capability) not in probes
        for capability in needed.capabilities
    )


def _of_route(route: str, error: NoCandidate, needed: Needs) -> CapabilityMismatch | None:
    """The same of a route all of whose candidates lack something."""
    if not any(each.code == "capability_missing" for each in error.errors):
        return None
    names = ", ".join(sorted(needed.capabilities))
    lacks = [Lack(each, "declared", "no candidate of the route has it")
             for each in sorted(needed.capabilities)]  # fmt: skip
    return _mismatch(f"The route {route} ({names})", lacks)


def _mismatch(model: str, lacks: Sequence[Lack]) -> CapabilityMismatch:
    return CapabilityMismatch(
        model,
        [
            FieldError(
                "/body/definition/model",
                f"{each.capability}_{each.evidence}",
                f"no {each.capability} ({each.evidence}: {each.said})",
            )
            for each in lacks
        ],
    )
