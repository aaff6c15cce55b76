"""The gateway's ledger: an append to Valkey on the way, rows in Postgres soon after.

A call is recorded before the provider is asked and once more when it has ended. Both records are
merged into one row by whichever process comes to it first, and twice is the same as once. What a
killed process left open is settled by another one as `interrupted`, with its input estimated.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.core.kernel import Kernel
from app.inference.usage.appender import CallAppender
from app.inference.usage.drain import Drain
from app.inference.usage.errors import LedgerFull
from app.inference.usage.gateway_call import GatewayCall, Settlement, settled_record
from app.runs.runs.lease import Lease

# What may wait in memory while Valkey is away; a call more would be one that can be lost.
MAX_BACKLOG = 100_000


class Ledger:
    """Begin a call, await what `begin` gives before the first byte leaves, settle it once."""

    def __init__(self, lease: Lease, appender: CallAppender, drain: Drain) -> None:
        self.executor_id = lease.executor_id
        self._appender = appender
        self._drain = drain

    def begin(self, call: GatewayCall) -> asyncio.Future[None]:
        """Record that the provider is about to be asked; raises LedgerFull."""
        if self._appender.backlog >= MAX_BACKLOG:
            raise LedgerFull("Valkey has been away for too long; try again.", retry_after=5)
        return self._appender.add_start(call.record(self.executor_id))

    def settle(self, call: GatewayCall, end: Settlement) -> None:
        """Record how a call ended; the first time counts."""
        if not call.settled:
            call.settled = True
            self._appender.add_end(settled_record(call, self.executor_id, end))

    async def flush(self) -> None:
        """Bring everything recorded so far into Postgres."""
        await self._appender.flush()
        await self._drain.drain()


async def _nobody_lost() -> None:
    """The gate sweeps what dead processes left open."""


@asynccontextmanager
async def open_ledger(kernel: Kernel) -> AsyncIterator[Ledger]:
    """Record calls, and drain whatever any process has recorded, until the end."""
    seconds = kernel.settings.run_lease_seconds
    lease = Lease(kernel.valkey, seconds)
    appender = CallAppender(kernel.valkey)
    drain = Drain(kernel.database, kernel.valkey, lease, seconds, _nobody_lost)
    ledger = Ledger(lease, appender, drain)
    await lease.start()
    appender.start()
    drain.start()
    try:
        yield ledger
    finally:
        await appender.close()
        await drain.close()
        await lease.close()
