"""A caller for the tests of this room."""

import pytest_asyncio

from app.core.auth import Access
from app.core.kernel import Kernel
from tests.support.runs import new_access


@pytest_asyncio.fixture(loop_scope="session")
async def access(kernel: Kernel) -> Access:
    return await new_access(kernel)
