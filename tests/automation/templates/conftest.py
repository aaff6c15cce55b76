"""Templates of workflows, installed and run for one person, with the world outside faked."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest_asyncio

from tests.agents.databases.conftest import shop  # noqa: F401 - a fixture
from tests.agents.runtime.conftest import bench  # noqa: F401 - a fixture
from tests.agents.web.conftest import Answer, Site, json_answer
from tests.support.agents import Bench
from tests.support.chat import Talker, connected
from tests.support.fakes.base import Said, say
from tests.support.fakes.openai import FakeOpenAI
from tests.support.identity import new_person
from tests.support.workflows.office import Office


class Scholar(FakeOpenAI):
    """Answers whatever it is asked: by `answers` in turn where JSON is wanted, else “Done.”."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[Any] = []

    async def _answer(self, exchange) -> None:
        if exchange.request.method == "POST":
            self.will(self._speak)
        await super()._answer(exchange)

    async def _speak(self, fake, exchange, body) -> None:
        wanted = "response_format" in body
        text = orjson.dumps(self.answers.pop(0)).decode() if wanted else "Done."
        await say(Said((text,)))(fake, exchange, body)


class World(Site):
    """Services outside: what was asked of them is in `asked`, what they say in `pages`."""

    def __init__(self) -> None:
        super().__init__()
        self.failing: set[str] = set()
        self.status = 400
        self.tables: dict[str, list[dict[str, Any]]] = {}
        self.answers: dict[str, Callable[[str], list[Any]]] = {}

    async def _answer(self, exchange) -> None:
        request = exchange.request
        self.asked.append(request)
        answer = self._told(request)
        await exchange.send(answer.status, answer.body, answer.content_type, answer.headers)

    def _told(self, request) -> Answer:
        name = request.path.split("/")[1]
        if name in self.failing:
            return json_answer({"why": "no"}, status=self.status)
        if name in self.answers:
            return json_answer({"data": self.answers[name](dict(request.query).get("after") or "")})
        if name in self.tables:
            after = int(dict(request.query).get("after") or 0)
            rows = [row for row in self.tables[name] if row["id"] > after][:2]
            return json_answer({"data": rows})
        return json_answer({"id": f"{name}-1", "path": request.path})

    @property
    def calls(self) -> list[tuple[str, str]]:
        return [(request.method, request.path) for request in self.asked]


@dataclass
class Studio:
    """Installs packs and makes workflows of their templates."""

    talker: Talker
    office: Office
    model: Scholar
    world: World
    bench: Bench
    installed: dict[tuple[str, str], str] = field(default_factory=dict)

    async def template(self, pack: str, entry: str) -> str:
        if (pack, entry) not in self.installed:
            told = await self.office.post(f"/v1/templates/packs/{pack}/install")
            self.installed |= {(pack, e["entry"]): e["template_id"] for e in told["templates"]}
        return self.installed[pack, entry]

    async def make(self, pack: str, entry: str, **variables: Any) -> dict[str, Any]:
        path = f"/v1/templates/{await self.template(pack, entry)}/instantiate"
        made = await self.office.post(path, variables=variables, name=entry)
        return await self.office.get(f"/v1/workflows/{made['workflow_id']}")

    async def run(self, workflow: dict[str, Any], inputs: Any = None) -> dict[str, Any]:
        """The run at its end, or where it waits for a person or an event."""
        path = f"/v1/workflows/{workflow['id']}/runs"
        return await self.office.post(path, inputs=inputs or {}, wait=True)

    async def ended(self, run_id: str) -> dict[str, Any]:
        await self.office.events(run_id)
        return await self.office.get(f"/v1/workflow-runs/{run_id}")

    async def decide(self, **decision: Any) -> None:
        task = (await self.office.open_tasks())[0]
        await self.office.post(f"/v1/tasks/{task['id']}/decide", **decision)


@pytest_asyncio.fixture(loop_scope="session")
async def studio(client, bench):  # noqa: F811
    talker, scholar = Talker(client, await new_person(client)), Scholar()
    async with connected(talker, scholar), World() as world:
        yield Studio(talker, Office(talker), scholar, world, bench)
