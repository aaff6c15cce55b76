"""A workspace with a collection, as the tools see it."""

from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from app.agents.tools.tool import ToolContext, ToolFault, Wanted
from app.core.auth import Access, Permission
from tests.support.chat import Talker
from tests.support.identity import new_person


class Asking:
    """Calls the tools of a running service as an agent does."""

    def __init__(self, app, access):
        self.tools, self.access = app.state.agents.tools, access

    async def __call__(self, name, config=None, /, **arguments):
        (tool,) = await self.tools.open(self.access, Wanted(name, config or {}))
        return await tool.call(ToolContext(self.access, uuid4(), "1", "k"), arguments)

    async def fault(self, name, config=None, /, **arguments):
        with pytest.raises(ToolFault) as fault:
            await self(name, config, **arguments)
        return fault.value.code


def access_of(talker, permissions=frozenset(Permission)) -> Access:
    person = talker.person
    ids = UUID(person.workspace_id), UUID(person.user_id)
    return Access(*ids, permissions, "session", uuid4())


@pytest_asyncio.fixture(loop_scope="session")
async def talker(client):
    return Talker(client, await new_person(client))


@pytest.fixture
def ask(app, talker):
    return Asking(app, access_of(talker))
