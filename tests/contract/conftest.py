"""Two tenants and the list of operations, made once for the tests that walk every route."""

from collections.abc import AsyncIterator, Iterator

import httpx2
import pytest
import pytest_asyncio

from app.core.kernel import Kernel
from tests.support.filters import filters_off
from tests.support.openapi import Operation, read_operations
from tests.support.tenants import Tenant, new_tenant, stay_signed_in


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def http(address: str) -> AsyncIterator[httpx2.AsyncClient]:
    """One client for the whole walk."""
    async with httpx2.AsyncClient(base_url=address, timeout=30, verify=False) as client:
        yield client


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def operations(http: httpx2.AsyncClient) -> list[Operation]:
    return await read_operations(http)


@pytest_asyncio.fixture(loop_scope="session", autouse=True)
async def signed_in(kernel: Kernel) -> None:
    """Whoever stays for the whole session is signed in for the next test."""
    await stay_signed_in(kernel)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def owner(http: httpx2.AsyncClient) -> Tenant:
    """The tenant whose resources are asked for."""
    return await new_tenant(http)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stranger(http: httpx2.AsyncClient) -> Tenant:
    """Another tenant, with resources of its own."""
    return await new_tenant(http)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def caller(http: httpx2.AsyncClient) -> Tenant:
    """The tenant whose input is bad; what passes by chance changes only its own resources."""
    return await new_tenant(http)


@pytest.fixture(params=["with its own filters", "with row-level security alone"])
def walls(request: pytest.FixtureRequest, kernel: Kernel) -> Iterator[None]:
    """Both walls around a tenant, and then the second one by itself."""
    if "alone" not in request.param:
        yield
        return
    with filters_off(kernel) as removed:
        yield
    assert removed.count > 0
