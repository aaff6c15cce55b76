"""A route as planning reads it: compiled once from its row, or made for a built-in name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from app.inference.prices.money import to_nano
from app.inference.routing.models import Route
from app.inference.routing.plan import Failover, Timeouts

# US dollars a million tokens, in pico-dollars a token.
PICO_A_TOKEN = 1_000_000


@dataclass(frozen=True, slots=True)
class Listed:
    """A candidate as the route names it; `model` may be a pattern."""

    model: str
    weight: float = 1.0
    region: str | None = None
    quality: float | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    timeouts: Timeouts = field(default_factory=Timeouts)


@dataclass(frozen=True, slots=True)
class Constraints:
    """Prices in pico-dollars a token, `max_cost` in nano-dollars; None asks nothing."""

    max_input_price: int | None = None
    max_output_price: int | None = None
    max_cost: int | None = None
    min_context: int | None = None
    capabilities: frozenset[str] = frozenset()
    regions: frozenset[str] | None = None
    providers: frozenset[str] | None = None

    @property
    def about_price(self) -> bool:
        limits = (self.max_input_price, self.max_output_price, self.max_cost)
        return any(limit is not None for limit in limits)


@dataclass(frozen=True, slots=True)
class Learning:
    """How an adaptive route learns; `cost_target` in nano-dollars."""

    success: float = 1.0
    latency: float = 0.2
    cost: float = 0.2
    quality: float = 2.0
    exploration: float = 0.1
    half_life: int = 500
    latency_target_ms: float = 2000.0
    cost_target: int = 10_000_000
    frozen: bool = False


@dataclass(frozen=True, slots=True)
class RouteSpec:
    """`id` is None for a built-in route, whose candidates are chosen by `built_in.py`."""

    slug: str
    strategy: str
    candidates: tuple[Listed, ...] = ()
    id: UUID | None = None
    is_default: bool = False
    sticky: bool = False
    on_overflow: tuple[Listed, ...] = ()
    failover: Failover = field(default_factory=Failover)
    constraints: Constraints = field(default_factory=Constraints)
    learning: Learning = field(default_factory=Learning)
    generation: int = 0
    is_plain: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "is_plain", self._is_plain())

    def _is_plain(self) -> bool:
        """Whether the order of its candidates is the same for every request that they can take."""
        asked = self.id is not None and self.constraints.max_cost is None
        return asked and self.strategy == "ordered" and not self.sticky


def compiled(route: Route) -> RouteSpec:
    """What a row says."""
    return RouteSpec(
        slug=route.slug,
        strategy=route.strategy,
        candidates=tuple(map(_listed, route.candidates)),
        id=route.id,
        is_default=route.is_default,
        sticky=route.sticky,
        on_overflow=tuple(map(_listed, route.on_overflow)),
        failover=Failover(**route.failover),
        constraints=_constraints(route.constraints),
        learning=_learning(route.adaptive),
        generation=route.generation,
    )


def _listed(told: dict[str, Any]) -> Listed:
    return Listed(
        model=told["model"],
        weight=told["weight"],
        region=told["region"],
        quality=told["quality"],
        parameters=told["parameters"],
        timeouts=Timeouts(**told["timeouts"]),
    )


def _constraints(told: dict[str, Any]) -> Constraints:
    return Constraints(
        max_input_price=_per_token(told["max_input_price"]),
        max_output_price=_per_token(told["max_output_price"]),
        max_cost=None if told["max_cost"] is None else to_nano(Decimal(told["max_cost"])),
        min_context=told["min_context"],
        capabilities=frozenset(told["capabilities"]),
        regions=_set_of(told["regions"]),
        providers=_set_of(told["providers"]),
    )


def _learning(told: dict[str, Any]) -> Learning:
    return Learning(
        **told["weights"],
        exploration=told["exploration"],
        half_life=told["half_life"],
        latency_target_ms=told["latency_target_ms"],
        cost_target=max(1, to_nano(Decimal(told["cost_target"]))),
        frozen=told["frozen"],
    )


def _per_token(dollars: str | None) -> int | None:
    return None if dollars is None else int(Decimal(dollars) * PICO_A_TOKEN)


def _set_of(names: list[str] | None) -> frozenset[str] | None:
    return None if names is None else frozenset(names)
