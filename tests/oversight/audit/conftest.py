import httpx2
import pytest_asyncio

from tests.support.identity import new_person


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def person(address):
    """One person for the tests of a module."""
    async with httpx2.AsyncClient(base_url=address, timeout=20, verify=False) as http:
        yield await new_person(http)
