"""The inference room, opened: what a process keeps to call providers."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from app.core.kernel import Kernel
from app.inference.budgets.book import BudgetBook
from app.inference.cache.known import known_rules
from app.inference.cache.responses import Responses
from app.inference.calls.calls import Calls
from app.inference.calls.course import Desk
from app.inference.calls.following import Following
from app.inference.calls.own_calls import OwnCalls
from app.inference.calls.wire import Wire
from app.inference.customers.book import CustomerBook
from app.inference.embeddings.embedders import Embedders
from app.inference.embeddings.local import LocalEmbedder, is_installed
from app.inference.embeddings.serving import LocalServer
from app.inference.gate.gate import Gate
from app.inference.gate.open import open_gate
from app.inference.guardrails.asking import Judging
from app.inference.guardrails.compiled import Outside
from app.inference.guardrails.moderation import Moderator
from app.inference.guardrails.policies import Guardrails
from app.inference.integrations.directory import Directory
from app.inference.prices.book import PriceBook
from app.inference.providers.demo import DemoServer
from app.inference.providers.transport import Transport
from app.inference.routing.open import open_routes
from app.inference.routing.planner import Router
from app.runs.runs.lease import Lease


@dataclass(frozen=True, slots=True)
class Inference:
    transport: Transport
    directory: Directory
    prices: PriceBook
    budgets: BudgetBook
    customers: CustomerBook
    gate: Gate
    routes: Router
    guardrails: Guardrails
    responses: Responses
    calls: Calls
    embedders: Embedders
    own: OwnCalls


@asynccontextmanager
async def open_inference(kernel: Kernel, lease: Lease) -> AsyncIterator[Inference]:
    """Open the way out to providers, and the demo provider unless it is switched off."""
    async with AsyncExitStack() as stack:
        transport = await stack.enter_async_context(Transport(kernel.settings))
        demo_url = None
        if kernel.settings.demo_provider != "never":
            demo_url = (await stack.enter_async_context(DemoServer())).base_url
        local, local_url = LocalEmbedder(), None
        stack.callback(local.close)
        if is_installed():
            local_url = (await stack.enter_async_context(LocalServer(local))).base_url
        directory = Directory(
            kernel.database, kernel.vault, transport, kernel.settings, demo_url, local_url
        )
        prices, customers = PriceBook(kernel.database), CustomerBook(kernel.database)
        budgets = BudgetBook(kernel.database)
        gate = await stack.enter_async_context(open_gate(kernel, lease, budgets, customers))
        routes = await stack.enter_async_context(open_routes(kernel, directory, prices, customers))
        judging, embedders = Judging(), Embedders(directory, local, kernel.database)
        outside = Outside(judging, Moderator(directory, transport), local)
        guardrails = Guardrails(kernel.database, outside)
        responses = Responses(kernel, known_rules(kernel.database), embedders)
        wire = Wire(transport, kernel.settings)
        following = Following(wire, gate)
        stack.push_async_callback(following.close)
        desk = Desk(gate, routes, kernel.settings, following, guardrails, responses)
        calls = Calls(desk, wire)
        own = OwnCalls(calls, desk, transport)
        judging.complete, embedders.embedding = own.complete, own.embed
        yield Inference(
            transport,
            directory,
            prices,
            budgets,
            customers,
            gate,
            routes,
            guardrails,
            responses,
            calls,
            embedders,
            own,
        )
