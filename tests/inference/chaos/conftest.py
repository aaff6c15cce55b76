"""The running service in front of three scripted providers."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from app.core.kernel import Kernel
from app.inference.gate.gate import Gate
from tests.inference.chaos.books import Books
from tests.inference.chaos.providers import VENDORS, Script, Scripted
from tests.inference.chaos.site import Site, open_site
from tests.support.identity import new_person


@dataclass(frozen=True)
class Stage:
    """`address` is the service's."""

    address: str
    gate: Gate
    site: Site
    books: Books
    providers: dict[str, Scripted]


Open = Callable[..., Awaitable[Stage]]


@pytest.fixture
async def stage(
    client: httpx2.AsyncClient, address: str, kernel: Kernel, app: FastAPI
) -> AsyncIterator[Open]:
    """Opens a workspace: `script` is of all its providers, which fail each in its own way."""
    async with AsyncExitStack() as stack:

        async def opened(script: Script, **site: Any) -> Stage:
            providers = {
                kind: await stack.enter_async_context(made(replace(script)))
                for kind, made in VENDORS.items()
            }
            headers = (await new_person(client)).headers
            found = await open_site(client, headers, providers, **site)
            books = Books(kernel.database, kernel.valkey, found)
            return Stage(address, app.state.inference.gate, found, books, providers)

        yield opened
