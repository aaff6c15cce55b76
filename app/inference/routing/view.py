"""A workspace as planning sees it at one moment, with what was worked out for it already."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.inference.integrations.directory import targets
from app.inference.routing.book import RouteBook
from app.inference.routing.built_in import BUILT_IN
from app.inference.routing.errors import ModelNotAllowed
from app.inference.routing.names import Allowed, allows
from app.inference.routing.plan import Plan
from app.inference.routing.pool import Market, Pool, Wish, make_pool
from app.inference.routing.spec import RouteSpec

# Beyond so many different questions what was worked out is thrown away.
MOST_KEPT = 2000


@dataclass(slots=True)
class View:
    """Made anew whenever its market or its routes are; everything in it is for that moment."""

    market: Market
    book: RouteBook
    _plain: dict[tuple[str, Allowed], Plan] = field(default_factory=dict)
    _pools: dict[tuple[str, Wish], Pool] = field(default_factory=dict)
    _in_order: dict[tuple[str, frozenset[str], Allowed], tuple[int, Plan]] = field(
        default_factory=dict
    )

    def route(self, name: str | None) -> RouteSpec | None:
        """The route of a name, one's own before a built-in one; the default route for none."""
        if not name:
            return self.book.default
        routes: Mapping[str, RouteSpec] = self.book.routes
        return routes.get(name) or BUILT_IN.get(name)

    def plain(self, name: str, allowed: Allowed) -> Plan:
        """The plan for a model by its name; raises ModelUnknown, NoModel and ModelNotAllowed."""
        key = (name, allowed)
        plan = self._plain.get(key)
        if plan is None:
            found = targets(self.market.endpoints, name)
            usable = [t for t in found if allows(allowed, t.endpoint.slug, t.model)]
            if not usable:
                raise ModelNotAllowed(name or found[0].reference)
            plan = Plan(tuple(map(self.market.candidate, usable)))
            self._make_room(self._plain)
            self._plain[key] = plan
        return plan

    def pool(self, spec: RouteSpec, wish: Wish) -> Pool:
        key = (spec.slug, wish)
        pool = self._pools.get(key)
        if pool is None:
            pool = make_pool(spec, self.market, wish)
            self._make_room(self._pools)
            self._pools[key] = pool
        return pool

    def in_order(
        self, spec: RouteSpec, needs: frozenset[str], allowed: Allowed, tokens: int
    ) -> Plan | None:
        """The plan that takes a route's candidates in their order, if it was made already.

        It is for requests of so many tokens that every candidate has room for.
        """
        found = self._in_order.get((spec.slug, needs, allowed))
        return found[1] if found is not None and tokens <= found[0] else None

    def keep(
        self, spec: RouteSpec, needs: frozenset[str], allowed: Allowed, most: int, plan: Plan
    ) -> None:
        """Keep that plan, for requests of up to so many tokens."""
        self._make_room(self._in_order)
        self._in_order[spec.slug, needs, allowed] = most, plan

    @staticmethod
    def _make_room(kept: dict[Any, Any]) -> None:
        if len(kept) >= MOST_KEPT:
            kept.clear()
