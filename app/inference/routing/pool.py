"""Who of a route's candidates may answer at all: everything that does not change by the request."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from app.core.clock import now
from app.inference.integrations.directory import Endpoint, Target, targets
from app.inference.integrations.errors import ModelUnknown
from app.inference.prices.price import Price
from app.inference.prices.pricing import Pricing
from app.inference.providers.tiers import priced_tier
from app.inference.routing.built_in import chat_models, shortlist
from app.inference.routing.entry import Entry
from app.inference.routing.facts import facts_of, longest_answer, retired
from app.inference.routing.names import Allowed, allows, allows_route, fits, is_pattern
from app.inference.routing.plan import Candidate, Passed, Plan
from app.inference.routing.spec import Constraints, Listed, RouteSpec

MOST_ENTRIES = 64
NEVER_SHORT = 1 << 62

NOT_LISTED: Mapping[str, Any] = {}


@dataclass(slots=True)
class Market:
    """What models a workspace has at one moment, and what they cost."""

    endpoints: tuple[Endpoint, ...]
    pricing: Pricing
    _listings: dict[str, dict[str, Mapping[str, Any]]] = field(default_factory=dict)

    def price(self, target: Target, service_tier: str | None = None) -> Price | None:
        return self.pricing.price(target.endpoint, target.model, service_tier=service_tier)

    def at_tier(self, plan: Plan, service_tier: str) -> Plan:
        """The same plan at what its candidates cost under a provider's `service_tier`."""

        def priced(candidate: Candidate) -> Candidate:
            return replace(candidate, price=self.price(candidate.target, service_tier))

        return replace(
            plan,
            candidates=tuple(map(priced, plan.candidates)),
            on_overflow=tuple(map(priced, plan.on_overflow)),
        )

    def told(self, target: Target) -> Mapping[str, Any]:
        """What its provider's listing says of a model; nothing where it is not listed."""
        slug = target.endpoint.slug
        listing = self._listings.get(slug)
        if listing is None:
            listing = {str(model["name"]): model for model in target.endpoint.models}
            self._listings[slug] = listing
        return listing.get(target.model, NOT_LISTED)

    def window(self, target: Target) -> int | None:
        """How many tokens a model reads."""
        listed = self.told(target).get("context_window")
        kind, model = target.endpoint.kind, target.model
        return facts_of(kind, model, int(listed) if listed else None).context

    def longest(self, target: Target) -> int | None:
        """How many tokens a model writes at most."""
        return longest_answer(target.model, self.told(target).get("max_output_tokens"))

    def candidate(self, target: Target) -> Candidate:
        """A model that was named outright."""
        return Candidate(
            target,
            self.price(target),
            window=self.window(target),
            longest=self.longest(target),
        )


@dataclass(frozen=True, slots=True)
class Wish:
    """What a pool is made for. `at_least` are tokens that the request has for certain."""

    needs: frozenset[str]
    allowed: Allowed
    at_least: int = 0


@dataclass(frozen=True, slots=True)
class Pool:
    """`shortest` is the shortest context among the entries, in tokens."""

    entries: tuple[Entry, ...]
    passed: tuple[Passed, ...]
    overflow: tuple[Entry, ...]
    shortest: int


def make_pool(spec: RouteSpec, market: Market, wish: Wish) -> Pool:
    """A route's candidates for one kind of request, and why the others are passed over."""
    passed: list[Passed] = []
    listed = spec.candidates if spec.id else _all_chat_models(market.endpoints)
    found = _ready(listed, spec, market, wish, passed)
    if spec.id is None:
        found = [entry for entry in found if not _too_short(entry, wish, passed)]
        weighed = shortlist(spec.slug, found)
        passed += [_not_weighed(entry) for entry in found if entry not in weighed]
        longest = sorted(found, key=lambda entry: -(entry.facts.context or 0))
        found, overflow = weighed, longest[:3]
    else:
        overflow = _ready(spec.on_overflow, spec, market, wish, [])
    entries = tuple(replace(entry, index=index) for index, entry in enumerate(found))
    contexts = [entry.facts.context or NEVER_SHORT for entry in entries]
    return Pool(entries, tuple(passed), tuple(overflow), min(contexts, default=NEVER_SHORT))


def _all_chat_models(endpoints: tuple[Endpoint, ...]) -> tuple[Listed, ...]:
    return tuple(Listed(f"{at.slug}/{model}") for at, model in chat_models(endpoints))


def _ready(
    listed: tuple[Listed, ...],
    spec: RouteSpec,
    market: Market,
    wish: Wish,
    passed: list[Passed],
) -> list[Entry]:
    """The entries that may answer; a reason is added to `passed` for each other one."""
    open_to_all = allows_route(wish.allowed, spec.slug)
    allowed = () if open_to_all else wish.allowed
    wish = replace(wish, allowed=allowed, needs=wish.needs | spec.constraints.capabilities)
    found: dict[str, Entry] = {}
    for one in listed:
        for target in _targets_of(one, market.endpoints, passed):
            entry = _entry(one, target, market, wish)
            # A candidate that several patterns mean is the one of the first of them.
            if entry.deployment in found or (spec.id and len(found) >= MOST_ENTRIES):
                continue
            reason = _reason_against(entry, spec.constraints, market, wish)
            if reason is None:
                found[entry.deployment] = entry
            else:
                passed.append(reason)
    return list(found.values())


def _targets_of(
    listed: Listed, endpoints: tuple[Endpoint, ...], passed: list[Passed]
) -> Iterator[Target]:
    if is_pattern(listed.model):
        for endpoint in endpoints:
            for model in endpoint.models:
                if fits(listed.model, endpoint.slug, str(model["name"])):
                    yield Target(endpoint, str(model["name"]))
        return
    try:
        yield from targets(endpoints, listed.model)
    except ModelUnknown:
        passed.append(Passed(listed.model, "model_unknown", "no integration offers it"))


def _entry(listed: Listed, target: Target, market: Market, wish: Wish) -> Entry:
    endpoint = target.endpoint
    window = market.told(target).get("context_window")
    facts = facts_of(endpoint.kind, target.model, int(window) if window else None)
    candidate = Candidate(
        target,
        market.price(target, priced_tier(listed.parameters)),
        listed.weight,
        listed.timeouts,
        listed.parameters,
        window=facts.context,
        longest=market.longest(target),
    )
    return Entry(
        index=0,
        candidate=candidate,
        deployment=candidate.deployment,
        reference=target.reference,
        facts=facts,
        quality=listed.quality,
        region=listed.region or endpoint.region,
        doubtful=not wish.needs <= facts.can,
    )


def _reason_against(
    entry: Entry, constraints: Constraints, market: Market, wish: Wish
) -> Passed | None:
    """Why a candidate may not answer, the first reason there is."""
    target = entry.candidate.target
    if wish.allowed and not allows(wish.allowed, target.endpoint.slug, target.model):
        return _passed(entry, "not_allowed", "the API key or the customer may not use it")
    lacking = wish.needs & entry.facts.cannot
    if lacking:
        return _passed(entry, "capability_missing", f"it has no {', '.join(sorted(lacking))}")
    told = market.told(target).get("retires_at")
    if retired(told, now()):
        return _passed(entry, "retired", f"its provider has shut it down ({told})")
    return _against_place(entry, constraints) or _against_price(entry, constraints)


def _against_place(entry: Entry, constraints: Constraints) -> Passed | None:
    kind, context = entry.candidate.target.endpoint.kind, entry.facts.context
    if constraints.providers is not None and kind not in constraints.providers:
        return _passed(entry, "provider_not_allowed", f"the route does not allow {kind}")
    if constraints.regions is not None and entry.region not in constraints.regions:
        if entry.region is None:
            return _passed(entry, "region_unknown", "nobody says where it computes")
        return _passed(entry, "region_not_allowed", f"it computes in {entry.region}")
    if constraints.min_context and context is not None and context < constraints.min_context:
        said = f"it reads {context} tokens, and the route asks for {constraints.min_context}"
        return _passed(entry, "context_too_small", said)
    return None


def _against_price(entry: Entry, constraints: Constraints) -> Passed | None:
    price = entry.candidate.price
    if not constraints.about_price:
        return None
    if price is None:
        return _passed(entry, "price_unknown", "the route has a price limit, and nobody knows its")
    tier, factor = price.tiers[0], price.factor / 1_000_000
    for said, asked, most in (
        ("input", tier.input, constraints.max_input_price),
        ("output", tier.output, constraints.max_output_price),
    ):
        if most is not None and asked * factor > most:
            dollars = f"${asked * factor / 1e6:g} a million {said} tokens, and the limit is "
            return _passed(entry, "over_price", f"it costs {dollars}${most / 1e6:g}")
    return None


def _too_short(entry: Entry, wish: Wish, passed: list[Passed]) -> bool:
    context = entry.facts.context
    if context is None or context >= wish.at_least:
        return False
    passed.append(_passed(entry, "context_too_small", f"it reads {context} tokens"))
    return True


def _not_weighed(entry: Entry) -> Passed:
    return _passed(entry, "not_weighed", "others are more usual, or cheaper by list")


def _passed(entry: Entry, code: str, reason: str) -> Passed:
    return Passed(entry.reference, code, reason)
