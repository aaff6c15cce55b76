"""Two people at the running service, in one shared workspace."""

from dataclasses import dataclass
from uuid import UUID

import httpx2
import pytest_asyncio

from app.core.db import SYSTEM
from app.core.ids import new_id
from app.core.kernel import Kernel
from app.identity.workspaces.models import Membership
from tests.support.identity import Person, new_person


@dataclass
class Team:
    """A workspace that `owner` made and `member` is an editor of."""

    owner: Person
    member: Person
    workspace_id: str

    def headers(self, person: Person) -> dict[str, str]:
        return {**person.headers, "X-Workspace-Id": self.workspace_id}


async def join(kernel: Kernel, workspace_id: str, person: Person, role: str = "editor") -> None:
    async with kernel.database.unit(SYSTEM) as session:
        session.add(
            Membership(
                id=new_id(),
                workspace_id=UUID(workspace_id),
                user_id=UUID(person.user_id),
                role=role,
            )
        )


async def new_team(client: httpx2.AsyncClient, kernel: Kernel) -> Team:
    owner, member = await new_person(client), await new_person(client)
    made = await client.post("/v1/workspaces", json={"name": "Shared"}, headers=owner.headers)
    assert made.status_code == 201, made.text
    await join(kernel, made.json()["id"], member)
    return Team(owner, member, made.json()["id"])


@pytest_asyncio.fixture(loop_scope="session")
async def person(client: httpx2.AsyncClient) -> Person:
    return await new_person(client)


@pytest_asyncio.fixture(loop_scope="session")
async def team(client: httpx2.AsyncClient, kernel: Kernel) -> Team:
    return await new_team(client, kernel)


async def say(client: httpx2.AsyncClient, headers: dict[str, str], words: str) -> dict[str, str]:
    """A chat with one question; its answer as the API tells it."""
    body = {
        "messages": [{"role": "user", "content": words}],
        "model": "demo/chat?tokens=60&delay_ms=0",
        "metadata": {"note": words},
    }
    answer = await client.post("/v1/chat", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()
