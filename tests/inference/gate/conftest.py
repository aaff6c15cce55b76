"""Gates of processes that can die, a workspace to pay, and candidates with known prices."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from app.core.db import SYSTEM
from app.core.ids import new_id
from app.core.kernel import Kernel, connect_valkey
from app.core.tasks import stop_tasks
from app.identity.workspaces.models import Workspace
from app.inference.budgets.book import BudgetBook
from app.inference.budgets.models import Budget
from app.inference.customers.book import CustomerBook
from app.inference.gate.gate import Gate, Load
from app.inference.gate.open import build_gate
from app.inference.integrations.directory import Endpoint, Target
from app.inference.prices.money import to_nano
from app.inference.prices.price import Price, Tier
from app.inference.routing.plan import Candidate
from app.inference.usage.drain import Drain
from app.inference.usage.models import ModelCall
from app.inference.usage.payer import Payer
from app.runs.runs.lease import Lease
from tests.runs.test_valkey_restart import Server

# A dollar a million tokens of input, two of output: 1,000 and 2,000 nano-dollars a token.
PRICE = Price((Tier(0, 1_000_000, 2_000_000, 100_000, 1_250_000),))
LOAD = Load(input_tokens=100, max_output_tokens=50)
# 200 tokens as cache writes at 1,250, and 50 at 2,000.
RESERVED = 350_000


def candidate(model: str = "gpt-4o", price: Price | None = PRICE) -> Candidate:
    endpoint = Endpoint(
        UUID(int=7), "openai", "openai", "OpenAI", "openai_chat", "http://127.0.0.1:1", None, "",
        True, (), None,
    )  # fmt: skip
    return Candidate(Target(endpoint, model), price)


@dataclass
class Process:
    """One process with a gate of its own; nothing is drained unless it is told to."""

    gate: Gate
    lease: Lease
    drain: Drain
    outbox: object = field(init=False)

    def __post_init__(self) -> None:
        self.outbox = self.gate._outbox

    async def die(self, kernel: Kernel) -> None:
        """Stop at once, as by kill -9; the lease has run out."""
        self.outbox._take = lambda: None
        self.outbox._script.riders.clear()
        if self.outbox._timer:
            self.outbox._timer.cancel()
        self.lease._task.cancel()
        await kernel.valkey.delete(f"executor:{self.lease.executor_id}")


@asynccontextmanager
async def process(kernel: Kernel, url: str = "", seconds: float = 2) -> AsyncIterator[Process]:
    valkey = connect_valkey(url or kernel.settings.redis_url.get_secret_value())
    alone = replace(kernel, valkey=valkey)
    lease = Lease(valkey, seconds)
    books = BudgetBook(kernel.database), CustomerBook(kernel.database)
    gate, drain = build_gate(alone, lease, *books)
    await lease.start()
    if url:  # the service beside the tests has another Valkey, and would take this one for dead
        await kernel.valkey.set(f"executor:{lease.executor_id}", b"alive", ex=120)
    opened = Process(gate, lease, drain)
    try:
        yield opened
    finally:
        await gate.close(0.5)
        await stop_tasks([lease._task, gate._script._asking])
        await valkey.aclose()


@pytest.fixture
async def payer(kernel: Kernel) -> Payer:
    async with kernel.database.unit(SYSTEM) as session:
        workspace = Workspace(name="Gate")
        session.add(workspace)
        await session.flush()
        return Payer(workspace.id, uuid4(), "gateway")


async def new_budget(kernel: Kernel, payer: Payer, dollars: str, **given: object) -> Budget:
    values = {
        "id": new_id(),
        "workspace_id": payer.workspace_id,
        "name": "Test",
        "subject_type": "workspace",
        "subject_id": None,
        "amount": Decimal(dollars),
        "window": "total",
        "timezone": "UTC",
        "hard": True,
        "thresholds": [],
        "models": [],
    }
    async with kernel.database.unit(SYSTEM) as session:
        budget = Budget(**(values | given))
        session.add(budget)
    return budget


@dataclass(frozen=True)
class Counter:
    settled: int
    reserved: int


async def counter(kernel: Kernel, budget: Budget, window: str = "total") -> Counter | None:
    found = await kernel.valkey.hmget(f"budget:{budget.id}:{window}", "s", "r")
    return None if found[0] is None else Counter(*map(int, found))


async def rows(kernel: Kernel, payer: Payer) -> list[ModelCall]:
    async with kernel.database.unit(SYSTEM) as session:
        found = select(ModelCall).where(ModelCall.workspace_id == payer.workspace_id)
        return list((await session.scalars(found.order_by(ModelCall.id))).all())


async def cost_of_rows(kernel: Kernel, payer: Payer) -> int:
    return sum(to_nano(row.cost_usd or Decimal(0)) for row in await rows(kernel, payer))


class OwnValkey(Server):
    """A Valkey that a test may kill; what it was told survives."""

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"


@pytest.fixture
async def own_valkey() -> AsyncIterator[OwnValkey]:
    with tempfile.TemporaryDirectory(prefix="valkey-") as folder:
        server = OwnValkey(Path(folder), durable=True)
        server.start()
        while not server.socket.exists():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        yield server
        server.kill()
