"""A workspace's prices, compiled: its own, its discounts, and the providers' lists behind them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from fnmatch import fnmatchcase
from typing import Any

from app.inference.integrations.directory import Endpoint
from app.inference.prices.listed import discounted, list_price, tier_of
from app.inference.prices.models import PriceOverride
from app.inference.prices.money import to_nano
from app.inference.prices.price import WHOLE, Price, Tier

# What the pattern of an override begins with that is for training.
TRAINING = "training:"


@dataclass(frozen=True, slots=True)
class Own:
    """A price that the workspace sets; `override_id` names its row."""

    override_id: str
    integration: str | None
    model: str
    price: Price

    def covers(self, slug: str, model: str) -> bool:
        return (self.integration is None or self.integration == slug) and fnmatchcase(
            model.lower(), self.model.lower()
        )

    @property
    def rank(self) -> tuple[bool, bool, int]:
        """An integration's goes before any's, a whole name before a pattern, long before short."""
        return (self.integration is not None, not _is_pattern(self.model), len(self.model))


@dataclass(frozen=True, slots=True)
class Discount:
    """Per cent off the list, for an integration, a kind of provider, or everything."""

    percent: Decimal
    integration: str | None = None
    kind: str | None = None

    def covers(self, endpoint: Endpoint) -> bool:
        return (self.integration is None or self.integration == endpoint.slug) and (
            self.kind is None or self.kind == endpoint.kind
        )

    @property
    def factor(self) -> int:
        """What is left, in parts of a million."""
        left = (100 - self.percent) * (WHOLE // 100)
        return int(left.to_integral_value(ROUND_HALF_UP))


@dataclass(frozen=True, slots=True)
class Effective:
    """A price and where it comes from: one's own by the id of its override, or a discount."""

    price: Price
    override_id: str | None = None
    discount_percent: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Pricing:
    """Everything that decides what a workspace's calls cost; no I/O."""

    own: tuple[Own, ...] = ()
    discounts: tuple[Discount, ...] = ()
    currency: str = "USD"
    units_per_usd: Decimal = Decimal(1)

    def price(
        self,
        endpoint: Endpoint,
        model: str,
        *,
        processing: str | None = None,
        service_tier: str | None = None,
    ) -> Price | None:
        """What a call costs; None where nobody knows.

        `processing="batch"` and `service_tier` (the provider's word) choose the list's prices for
        them. The workspace's own price holds for all of them.
        """
        found = self.effective(endpoint, model, processing=processing, service_tier=service_tier)
        return found.price if found else None

    def training(self, slug: str, model: str) -> Price | None:
        """What tokens that a model is trained on cost: the input of an override of `training:…`.

        No list has such prices, and an override of all models (`*`) does not mean them.
        """
        for own in self.own:
            if own.model.lower().startswith(TRAINING) and own.covers(slug, TRAINING + model):
                tier = replace(own.price.tiers[0], output=0)
                return replace(own.price, tiers=(tier,), call=0, image=0, minute=0)
        return None

    def effective(
        self,
        endpoint: Endpoint,
        model: str,
        *,
        processing: str | None = None,
        service_tier: str | None = None,
    ) -> Effective | None:
        """The same with where it comes from."""
        for own in self.own:
            if own.covers(endpoint.slug, model):
                return Effective(own.price, override_id=own.override_id)
        listed = list_price(endpoint.kind, model, processing=processing, service_tier=service_tier)
        if listed is None:
            return None
        discount = next((d for d in self.discounts if d.covers(endpoint)), None)
        if discount is None:
            return Effective(listed)
        return Effective(discounted(listed, discount.factor), discount_percent=discount.percent)


def _is_pattern(model: str) -> bool:
    return any(sign in model for sign in "*?[")


def pricing_of(
    overrides: Iterable[PriceOverride],
    discounts: Iterable[dict[str, Any]] = (),
    currency: str = "USD",
    units_per_usd: Decimal = Decimal(1),
) -> Pricing:
    """Compile rows; of two overrides or discounts that fit alike the newer one goes first."""
    own = sorted((_own(row) for row in overrides), key=lambda o: (o.rank, o.override_id))
    off = [Discount(Decimal(d["percent"]), d.get("integration"), d.get("kind")) for d in discounts]
    off.sort(key=lambda d: (d.integration is not None, d.kind is not None), reverse=True)
    return Pricing(tuple(reversed(own)), tuple(off), currency, units_per_usd)


def _own(row: PriceOverride) -> Own:
    base = {name: getattr(row, name) for name in ("input", "output", "cached_input", "cache_write")}
    tiers = [_tier(0, base), *(_tier(tier["above"], tier) for tier in row.tiers)]
    price = Price(
        tuple(sorted(tiers, key=lambda tier: tier.above)),
        call=to_nano(row.call),
        image=to_nano(row.image),
        minute=to_nano(row.minute),
        source="override",
    )
    return Own(str(row.id), row.integration, row.model, price)


def _tier(above: int, told: dict[str, Any]) -> Tier:
    """Cached input and cache writes cost what input costs, where nothing is said of them."""
    given = Decimal(told["input"])
    cached, written = told.get("cached_input"), told.get("cache_write")
    return tier_of(
        above,
        given,
        Decimal(told["output"]),
        given if cached is None else Decimal(cached),
        given if written is None else Decimal(written),
    )
