"""The node types of a running service, each step made by hand."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from app.automation.language.jsonata import Jsonata
from app.automation.nodes.node_type import Awaited, Given, StepContext, StepFault
from app.automation.nodes.opening import builtin_nodes
from app.core.auth import Access, Permission
from tests.support.chat import Talker
from tests.support.identity import new_person


@dataclass
class Started:
    """Whoever starts workflows: it keeps what was wanted."""

    wanted: list[Any] = field(default_factory=list)

    async def start(self, access, wanted):
        self.wanted.append(wanted)
        return SimpleNamespace(id=uuid4())


@dataclass
class Steps:
    """Does steps of one run, for one person."""

    types: dict[str, Any]
    access: Access
    starter: Started
    run_id: UUID = field(default_factory=uuid4)
    logs: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def context(self, **more: Any) -> StepContext:
        path = more.pop("path", "step")
        known = {
            "access": self.access,
            "run_id": self.run_id,
            "workflow": "test",
            "path": path,
            "attempt": 0,
            "key": f"{self.run_id}:{path}",
            "log": self.logs.append,
            "text": self.said.append,
        }
        return StepContext(**{**known, **more})

    def config(self, name: str, settings: dict[str, Any]) -> Any:
        return self.types[name].config.model_validate(settings)

    async def given(self, name: str, settings: dict[str, Any], **more: Any) -> Given:
        config = self.config(name, settings)
        return await self.types[name].perform(self.context(**more), config)

    async def output(self, name: str, settings: dict[str, Any], **more: Any) -> Any:
        return (await self.given(name, settings, **more)).output

    async def fault(self, name: str, settings: dict[str, Any], **more: Any) -> StepFault:
        with pytest.raises(StepFault) as fault:
            await self.given(name, settings, **more)
        return fault.value

    async def begun(self, name: str, settings: dict[str, Any], **more: Any) -> Awaited | Given:
        config = self.config(name, settings)
        return await self.types[name].begin(self.context(**more), config)

    async def mistakes(self, name: str, settings: dict[str, Any], **more: Any) -> dict[str, str]:
        access = more.get("access", self.access)
        found = await self.types[name].mistakes(access, settings)
        return {each.pointer: each.code for each in found}


def access_of(talker, permissions=frozenset(Permission)) -> Access:
    person = talker.person
    ids = UUID(person.workspace_id), UUID(person.user_id)
    return Access(*ids, permissions, "session", uuid4())


@pytest_asyncio.fixture(loop_scope="session")
async def talker(client):
    return Talker(client, await new_person(client))


@pytest.fixture
def starter():
    return Started()


@pytest_asyncio.fixture(loop_scope="session")
async def steps(app, address, talker, starter):
    state, jsonata = app.state, Jsonata()
    types = builtin_nodes(
        state.kernel,
        state.inference,
        state.knowledge,
        state.agents,
        starter,
        state.files,
        jsonata,
    )
    yield Steps({each.name: each for each in types}, access_of(talker), starter)
    await jsonata.close()


@pytest.fixture
def keep(talker):
    """`await keep(name, hosts)`: a credential of the workspace; gives its token."""

    async def kept(name, hosts, token="a-very-secret-token-1"):  # noqa: S107
        body = {"name": name, "hosts": hosts, "secret": {"kind": "token", "token": token}}
        answer = await talker.call("POST", "/v1/tools/credentials", json=body)
        assert answer.status_code == 201, answer.text
        return token

    return kept
