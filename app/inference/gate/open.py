"""The gate, opened: what one process keeps to admit calls and to account for them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.core.kernel import Kernel
from app.inference.gate.books import BudgetBook, CustomerBook
from app.inference.gate.counters import Counters
from app.inference.gate.gate import Gate
from app.inference.gate.lost import LostCalls
from app.inference.gate.outbox import Outbox
from app.inference.gate.script import gate_script
from app.inference.usage.drain import Drain
from app.runs.runs.lease import Lease


def build_gate(
    kernel: Kernel, lease: Lease, budgets: BudgetBook, customers: CustomerBook
) -> tuple[Gate, Drain]:
    """A gate, and what brings its records into Postgres once it is started."""
    script = gate_script(kernel.valkey)
    outbox = Outbox(script, lease.executor_id)
    lost = LostCalls(kernel.database, outbox, lease)
    seconds = kernel.settings.run_lease_seconds
    drain = Drain(kernel.database, kernel.valkey, lease, seconds, lost.sweep)
    counters = Counters(kernel.database, script, outbox, drain)
    gate = Gate(lease.executor_id, script, outbox, drain, counters, budgets, customers, lost)
    return gate, drain


@asynccontextmanager
async def open_gate(
    kernel: Kernel, lease: Lease, budgets: BudgetBook, customers: CustomerBook
) -> AsyncIterator[Gate]:
    """Admit and settle calls, and drain whatever any process has recorded, until the end."""
    gate, drain = build_gate(kernel, lease, budgets, customers)
    drain.start()
    try:
        yield gate
    finally:
        await gate.close()
        await drain.close()
