"""Agents for tests: made over HTTP, run over HTTP, with tools that record their calls."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.agents.tools.errors import ToolUnknown
from app.agents.tools.tool import Outcome, ToolTraits, Wanted
from tests.support.chat import Streamed, Talker
from tests.support.fakes.base import Fake, Said, say

READS = ToolTraits("read", idempotent=True)
ANY = {"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]}


@dataclass
class Recording:
    """A tool that says what it is told to; each call is kept."""

    name: str
    traits: ToolTraits = READS
    parameters: Mapping[str, Any] = field(default_factory=lambda: ANY)
    description: str = "A tool of a test."
    answer: Any = "found"
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    async def call(self, ctx, arguments):
        self.calls.append((ctx.key, dict(arguments)))
        answer = self.answer
        if callable(answer):
            answer = answer(arguments)
            if asyncio.iscoroutine(answer):
                answer = await answer
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, Outcome) else Outcome(str(answer))


class Bench:
    """The source `test`: what a test puts there."""

    kind = "test"

    def __init__(self) -> None:
        self.tools: dict[str, Recording] = {}

    def add(self, name: str, **more: Any) -> Recording:
        self.tools[name] = tool = Recording(name, **more)
        return tool

    async def open(self, access, wanted: Wanted):
        if wanted.rest not in self.tools:
            raise ToolUnknown(f"There is no {wanted.rest}.")
        return [self.tools[wanted.rest]]

    async def listed(self, access):
        return []


@dataclass
class Agency:
    """A person who makes agents and has them work; `model` is the fake's."""

    talker: Talker
    fake: Fake
    bench: Bench
    model: str

    async def make(self, name: str = "Helper", **definition: Any) -> dict[str, Any]:
        body = {"name": name, "definition": {"model": self.model, **definition}}
        answer = await self.talker.call("POST", "/v1/agents", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def run(self, agent: Mapping[str, Any], text: str = "Go.", **more: Any) -> dict[str, Any]:
        """The run at its end, or where it waits."""
        answer = await self.start(agent, text, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def start(self, agent: Mapping[str, Any], text: str = "Go.", **more: Any) -> Any:
        body = {"input": text, **more}
        return await self.talker.call("POST", f"/v1/agents/{agent['slug']}/runs", json=body)

    async def stream(self, agent: Mapping[str, Any], text: str = "Go.", **more: Any) -> Streamed:
        body = {"input": text, "stream": True, **more}
        return await self.talker.stream("POST", f"/v1/agents/{agent['slug']}/runs", json=body)

    async def events(self, run_id: str) -> Streamed:
        return await self.talker.stream("GET", f"/v1/runs/{run_id}/events")

    async def get(self, path: str) -> Any:
        answer = await self.talker.call("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def ended(self, run_id: str) -> dict[str, Any]:
        await self.events(run_id)
        return await self.get(f"/v1/runs/{run_id}/result")

    async def steps(self, run_id: str) -> list[dict[str, Any]]:
        return (await self.get(f"/v1/runs/{run_id}/steps"))["data"]

    def says(self, *texts: str) -> None:
        self.fake.will(*(say(Said((text,))) for text in texts))

    def calls(self, *calls: tuple[str, dict[str, Any]], text: str = "") -> None:
        """The model's next answer calls tools: `(name, arguments)` each."""
        number = len(self.fake.requests) + len(self.fake.script)
        made = tuple(
            (f"call_{number}_{i}", name, arguments) for i, (name, arguments) in enumerate(calls)
        )
        self.fake.will(say(Said((text,) if text else (), calls=made)))
