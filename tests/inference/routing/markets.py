"""Candidates for planning, made without a workspace around them."""

import random
from uuid import UUID, uuid5

from app.inference.integrations.directory import Endpoint, Target
from app.inference.prices.price import Price, Tier
from app.inference.prices.pricing import Pricing
from app.inference.routing.board import Board
from app.inference.routing.entry import Entry
from app.inference.routing.facts import Facts
from app.inference.routing.plan import Candidate, Question
from app.inference.routing.pool import Market
from app.inference.routing.strategies import Situation

ROOM = UUID(int=7)


def endpoint(slug: str = "lab", kind: str = "openai_compatible", *models: str, **more) -> Endpoint:
    listed = tuple({"name": name} if isinstance(name, str) else name for name in models)
    given = {
        "integration_id": uuid5(ROOM, slug), "kind": kind, "slug": slug, "label": slug,
        "dialect": "openai_chat", "base_url": "http://127.0.0.1:1/v1", "provider": None,
        "api_key": "", "allow_private": True, "models": listed, "listed_at": 1.0, "region": None,
    }  # fmt: skip
    return Endpoint(**given | more)


def market(*endpoints: Endpoint) -> Market:
    return Market(endpoints, Pricing())


def price(given: int, made: int) -> Price:
    """Dollars a million tokens."""
    return Price((Tier(0, given * 10**6, made * 10**6, given * 10**6, given * 10**6),))


def entry(
    index: int, *, weight: float = 1.0, context: int | None = None, can=(), cannot=(), **more
) -> Entry:
    candidate = Candidate(Target(endpoint(), f"m{index}"), more.pop("price", None), weight)
    facts = Facts(frozenset(can), frozenset(cannot), context, small=False)
    return Entry(index, candidate, candidate.deployment, candidate.target.reference, facts, **more)


def entries(*weights: float) -> tuple[Entry, ...]:
    return tuple(entry(index, weight=weight) for index, weight in enumerate(weights))


def situation(seed: int = 1, *, sticky: bool = False, board: Board | None = None, **question):
    return Situation(
        Question(model=None, **question),
        board or Board(),
        random.Random(seed),  # noqa: S311
        sticky,
    )
