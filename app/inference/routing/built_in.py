"""The routes that every workspace has: `auto`, `fast` and `cheap`, over its chat models."""

from app.inference.integrations.directory import USUAL_MODELS, Endpoint, chatting
from app.inference.providers.model_types import type_of
from app.inference.routing.entry import Entry, expected_cost
from app.inference.routing.spec import RouteSpec

BUILT_IN = {
    "auto": RouteSpec("auto", "ordered"),
    "fast": RouteSpec("fast", "lowest_latency"),
    "cheap": RouteSpec("cheap", "lowest_cost"),
}
# Of a provider with hundreds of models so many are weighed at each request.
MOST_WEIGHED = 16
# The request by which prices are compared before there is one.
USUAL_INPUT_TOKENS = 1000


def chat_models(endpoints: tuple[Endpoint, ...]) -> list[tuple[Endpoint, str]]:
    """Every chat model of real providers, or the demo's where there is no other."""
    real = chatting(endpoints)
    return [
        (endpoint, str(listed["name"]))
        for endpoint in real or endpoints
        for listed in endpoint.models
        if type_of(listed["name"]) == "chat"
    ]


def shortlist(slug: str, entries: list[Entry]) -> list[Entry]:
    """Those of a built-in route's candidates that are weighed at each request."""
    if slug == "fast":
        small = [entry for entry in entries if entry.facts.small]
        return sorted(small or entries, key=_rank)[:MOST_WEIGHED]
    if slug == "cheap":
        return sorted(entries, key=_cost)[:MOST_WEIGHED]
    return sorted(entries, key=_rank)[:MOST_WEIGHED]


def _rank(entry: Entry) -> tuple[bool, int]:
    """Its place among its provider's usual models; all first choices before all second ones."""
    target = entry.candidate.target
    usual = USUAL_MODELS.get(target.endpoint.kind, ())
    place = usual.index(target.model) if target.model in usual else len(usual) + 1000
    return entry.doubtful, place


def _cost(entry: Entry) -> tuple[bool, float]:
    cost = expected_cost(entry, USUAL_INPUT_TOKENS, None, None)
    return entry.doubtful, float("inf") if cost is None else cost
