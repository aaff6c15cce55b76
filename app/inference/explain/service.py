"""What a route would do with a request. Nothing is counted and nobody is asked."""

import random
from collections.abc import Mapping
from dataclasses import dataclass

from app.core.auth import Access
from app.inference.explain.breakers import Breakers
from app.inference.explain.schemas import (
    BreakerRead,
    CategoryRead,
    ConsideredCandidate,
    ExplainRequest,
    PassedCandidate,
    RouteExplanation,
)
from app.inference.explain.words import reason_behind, score_of, told
from app.inference.gate.breakers import BreakerStanding
from app.inference.prices.money import to_dollars
from app.inference.routing.category import categorise
from app.inference.routing.deciding import Decision
from app.inference.routing.names import fits
from app.inference.routing.plan import Question
from app.inference.routing.planner import Router
from app.inference.routing.strategies import Place, Situation, cost_of
from app.inference.usage.payer import Payer
from app.inference.usage.service import estimate_text

CLOSED = BreakerStanding("closed")
# What nobody asks before its time has come.
SHUT = frozenset({"open", "paused"})


class Level(random.Random):
    """No luck: of candidates that are drawn the likeliest one comes first."""

    def random(self) -> float:
        return 0.5


@dataclass(frozen=True, slots=True)
class _Considered:
    decision: Decision
    situation: Situation
    standings: Mapping[str, BreakerStanding]


async def explain(
    router: Router, breakers: Breakers, access: Access, name: str, asked: ExplainRequest
) -> RouteExplanation:
    """Raises RouteNotFound."""
    workspace_id = access.workspace_id
    spec = await router.route(workspace_id, name)
    view = await router.view(workspace_id)
    payer = Payer(workspace_id, access.user_id, "explain", customer=asked.customer)
    question, level = _question(asked), Level()
    allowed = await router.allowed(payer, access.rules)
    decision = router.decide(view, spec, question, allowed, level)
    deployments = [entry.deployment for entry in decision.order]
    standings = await breakers.standing(workspace_id, deployments) if deployments else {}
    considered = _Considered(
        decision, Situation(question, router.board, level, spec.sticky), standings
    )
    candidates = _candidates(considered)
    passed = [
        PassedCandidate(model=one.reference, code=one.code, reason=one.reason)
        for one in decision.passed
    ]
    if asked.model and not _is_among(asked.model, candidates, passed):
        said = f"it is no candidate of the route {spec.slug!r}"
        passed.append(PassedCandidate(model=asked.model, code="not_in_route", reason=said))
    return RouteExplanation(
        route=spec.slug,
        route_id=spec.id,
        strategy=spec.strategy,
        taken=next((one.model for one in candidates if one.taken), None) or _by_overflow(decision),
        candidates=candidates,
        passed=passed,
        on_overflow=[entry.reference for entry in decision.pool.overflow],
        category=_category(question) if spec.strategy == "adaptive" else None,
        input_tokens=question.input_tokens,
    )


def _question(asked: ExplainRequest) -> Question:
    text = asked.text or "\n".join(message.content for message in asked.messages)
    said = [message.content for message in asked.messages if message.role == "user"]
    tokens = estimate_text(text) if asked.input_tokens is None else asked.input_tokens
    return Question(
        model=None,
        input_tokens=tokens,
        max_output_tokens=asked.max_output_tokens,
        needs=frozenset(asked.needs),
        sticky=str(asked.conversation_id) if asked.conversation_id else None,
        text=said[-1] if said else text,
        explored=False,
    )


def _candidates(considered: _Considered) -> list[ConsideredCandidate]:
    """All that may answer, in order; the first whose breaker lets it be asked is taken."""
    taken: Place | None = None
    found = []
    places = considered.decision.places
    for position, place in enumerate(places, 1):
        deployment = considered.decision.pool.entries[place[4]].deployment
        standing = considered.standings.get(deployment, CLOSED)
        if standing.state in SHUT:
            code, said = f"breaker_{standing.state}", _why_shut(standing)
        elif taken is None:
            taken = place
            code, said = "taken", _why_taken(considered, place)
        else:
            first = taken or places[0]
            code, said = reason_behind(considered.decision, place, first, considered.situation)
        found.append(_candidate(considered, place, position, (code, said)))
    return found


def _why_taken(considered: _Considered, place: Place) -> str:
    decision = considered.decision
    return told(decision, decision.pool.entries[place[4]], considered.situation)


def _why_shut(standing: BreakerStanding) -> str:
    probe = standing.next_probe
    when = f"; it is asked again at {probe.isoformat()}" if probe else ""
    if standing.state == "paused":
        return f"its provider asked to be left alone for a while{when}"
    return f"it has failed too often and is left alone{when}"


def _candidate(
    considered: _Considered, place: Place, position: int, why: tuple[str, str]
) -> ConsideredCandidate:
    entry = considered.decision.pool.entries[place[4]]
    situation = considered.situation
    stats, cost = situation.board.of(entry.deployment), cost_of(entry, situation)
    standing = considered.standings.get(entry.deployment, CLOSED)
    return ConsideredCandidate(
        position=position,
        model=entry.reference,
        deployment=entry.deployment,
        taken=why[0] == "taken",
        code=why[0],
        reason=why[1],
        score=score_of(place),
        expected_cost_usd=None if cost is None else to_dollars(cost),
        in_flight=stats.load,
        first_token_ms=stats.first_token_ms,
        error_rate=round(stats.error_rate(situation.moment), 4),
        breaker=BreakerRead(state=standing.state, next_probe_at=standing.next_probe),
    )


def _by_overflow(decision: Decision) -> str | None:
    """Where nobody's context is long enough, the first of those for an overflow is asked."""
    overflow = decision.pool.overflow
    return overflow[0].reference if overflow and not decision.places else None


def _is_among(
    model: str, candidates: list[ConsideredCandidate], passed: list[PassedCandidate]
) -> bool:
    references = [one.model for one in candidates] + [one.model for one in passed]
    return any(fits(model, *_parts(reference)) for reference in references)


def _parts(reference: str) -> tuple[str, str]:
    slug, _, name = reference.partition("/")
    return (slug, name) if name else ("", slug)


def _category(question: Question) -> CategoryRead:
    return CategoryRead.model_validate(categorise(question.text, question.needs))
