"""The price of one model for one workspace, as its clients are shown it."""

from dataclasses import asdict
from decimal import Decimal
from typing import Any
from uuid import UUID

from app.inference.integrations.directory import Directory
from app.inference.prices.book import PriceBook
from app.inference.prices.listed import per_million
from app.inference.prices.money import to_dollars
from app.inference.prices.price import WHOLE, Apart, Price, Tier
from app.inference.prices.pricing import Effective
from app.inference.prices.schemas import EffectivePriceRead, PriceQuery


async def effective(
    directory: Directory, book: PriceBook, workspace_id: UUID, query: PriceQuery
) -> EffectivePriceRead:
    """What a call of a model costs, discounts taken off; raises ModelUnknown and NoModel."""
    target = await directory.target(workspace_id, query.model)
    pricing = await book.get(workspace_id)
    found = pricing.effective(
        target.endpoint,
        target.model,
        processing=query.processing,
        service_tier=query.service_tier,
    )
    money = {"currency": pricing.currency, "units_per_usd": pricing.units_per_usd}
    shown = _nothing() if found is None else _shown(found)
    return EffectivePriceRead.model_validate({"model": target.reference, **shown, **money})


def _nothing() -> dict[str, Any]:
    names = ("source", "override_id", "discount_percent", "call", "image", "minute")
    return {"known": False, "tiers": [], **dict.fromkeys(names)}


def _shown(found: Effective) -> dict[str, Any]:
    price = found.price
    return {
        "known": True,
        "source": price.source,
        "override_id": found.override_id,
        "discount_percent": found.discount_percent,
        "tiers": [_tier(price, tier) for tier in price.tiers],
        "call": _less(price, to_dollars(price.call)),
        "image": _less(price, to_dollars(price.image)),
        "minute": _less(price, to_dollars(price.minute)),
    }


def _tier(price: Price, tier: Tier) -> dict[str, Any]:
    own = asdict(tier.apart or Apart())
    apart = {
        name: None if pico is None else _less(price, per_million(pico))
        for name, pico in own.items()
    }
    return {"above": tier.above, **rates(price, tier), **apart}


def rates(price: Price, tier: Tier) -> dict[str, Decimal]:
    """US dollars a million tokens of a tier, discounts taken off."""
    rests = tier.rest or (0, 0, 0, 0)
    names = ("input", "output", "cached_input", "cache_write")
    return {
        name: _less(price, per_million(getattr(tier, name), rest))
        for name, rest in zip(names, rests, strict=True)
    }


def _less(price: Price, dollars: Decimal) -> Decimal:
    return dollars * price.factor / WHOLE
