"""What holds for every workspace's customers, kept in memory for a moment."""

from collections import OrderedDict
from uuid import UUID

from app.core import restorable
from app.core.db import Database, Scope
from app.core.fresh import MOST_WORKSPACES, Fresh
from app.inference.customers import crud
from app.inference.customers.limits import OPEN, CustomerLimits, Standings, terms_of
from app.inference.customers.models import Customer
from app.inference.usage.payer import Payer


class CustomerBook:
    """Finds a customer's limits without a query while what is known is fresh."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: Fresh[Standings] = Fresh(self._load)
        # Thousands of customers are compiled anew only when one of them has changed.
        self._compiled: OrderedDict[UUID, tuple[tuple[object, ...], Standings]] = OrderedDict()

    def peek(self, workspace_id: UUID) -> Standings | None:
        """A workspace's customers without waiting; None where `get` must be awaited."""
        return self._known.peek(workspace_id)

    async def get(self, workspace_id: UUID) -> Standings:
        return await self._known.get(workspace_id)

    async def limits(self, payer: Payer) -> CustomerLimits | None:
        """What holds for the customer of a call; None where nothing does, or it names none."""
        if payer.customer is None:
            return None
        return (await self._known.get(payer.workspace_id)).limits(payer.customer)

    def forget(self, workspace_id: UUID) -> None:
        """Read this workspace's customers anew at the next call."""
        self._known.forget(workspace_id)
        self._compiled.pop(workspace_id, None)

    async def _load(self, workspace_id: UUID) -> Standings:
        async with self._database.unit(Scope(workspace_id=workspace_id)) as session:
            stamp = await crud.stamp(session, workspace_id)
            known = self._compiled.get(workspace_id)
            if known is not None and known[0] == stamp:
                return known[1]
            rows = await restorable.all_living(session, Customer, workspace_id)
            defaults = await crud.defaults(session, workspace_id)
        others = OPEN if defaults is None else terms_of(defaults)
        found = Standings({row.external_id: terms_of(row) for row in rows}, others)
        self._compiled[workspace_id] = (stamp, found)
        while len(self._compiled) > MOST_WORKSPACES:
            self._compiled.popitem(last=False)
        return found
