"""The inference room, opened: what a process keeps to call providers."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from app.core.kernel import Kernel
from app.inference.integrations.directory import Directory
from app.inference.providers.demo import DemoServer
from app.inference.providers.transport import Transport
from app.inference.usage.ledger import Ledger, open_ledger


@dataclass(frozen=True, slots=True)
class Inference:
    transport: Transport
    directory: Directory
    ledger: Ledger


@asynccontextmanager
async def open_inference(kernel: Kernel) -> AsyncIterator[Inference]:
    """Open the way out to providers, and the demo provider unless it is switched off."""
    async with AsyncExitStack() as stack:
        transport = await stack.enter_async_context(Transport(kernel.settings))
        demo_url = None
        if kernel.settings.demo_provider != "never":
            demo_url = (await stack.enter_async_context(DemoServer())).base_url
        directory = Directory(kernel.database, kernel.vault, transport, kernel.settings, demo_url)
        ledger = await stack.enter_async_context(open_ledger(kernel))
        yield Inference(transport, directory, ledger)
