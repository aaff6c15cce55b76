"""What every workspace pays for its models, kept in memory for a moment."""

from uuid import UUID

from app.core import restorable
from app.core.db import Database, Scope
from app.core.fresh import Fresh
from app.inference.integrations.directory import Endpoint
from app.inference.prices import crud
from app.inference.prices.models import PriceOverride
from app.inference.prices.price import Price
from app.inference.prices.pricing import Pricing, pricing_of


class PriceBook:
    """Finds prices without a query while what is known is fresh."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: Fresh[Pricing] = Fresh(self._load)

    def peek(self, workspace_id: UUID) -> Pricing | None:
        """A workspace's prices without waiting; None where `get` must be awaited."""
        return self._known.peek(workspace_id)

    async def get(self, workspace_id: UUID) -> Pricing:
        return await self._known.get(workspace_id)

    async def price(
        self,
        workspace_id: UUID,
        endpoint: Endpoint,
        model: str,
        *,
        processing: str | None = None,
        service_tier: str | None = None,
    ) -> Price | None:
        """What a call costs; None where nobody knows. See `Pricing.price`."""
        pricing = await self._known.get(workspace_id)
        return pricing.price(endpoint, model, processing=processing, service_tier=service_tier)

    def forget(self, workspace_id: UUID) -> None:
        """Read this workspace's prices anew at the next call."""
        self._known.forget(workspace_id)

    async def _load(self, workspace_id: UUID) -> Pricing:
        async with self._database.unit(Scope(workspace_id=workspace_id)) as session:
            overrides = await restorable.all_living(session, PriceOverride, workspace_id)
            settings = await crud.settings(session, workspace_id)
        if settings is None:
            return pricing_of(overrides)
        return pricing_of(overrides, settings.discounts, settings.currency, settings.units_per_usd)
