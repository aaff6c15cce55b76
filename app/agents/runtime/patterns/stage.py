"""Where a pattern is played: its members, its own model, and the places of their steps."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol, TypeVar

from app.agents.runtime.errors import LimitReached
from app.agents.runtime.journal import paths_under
from app.agents.runtime.performing import Result
from app.agents.runtime.tree import MOST_AT_ONCE, Role, Tree, Waits
from app.agents.tools.tool import Tool

T = TypeVar("T")
Asked = Sequence[Mapping[str, Any]]
OWN: Final = "self"


class Performers(Protocol):
    """Whoever puts agents to work."""

    @property
    def tree(self) -> Tree: ...

    async def perform(
        self,
        role: Role,
        messages: Asked,
        path: str = "",
        *,
        depth: int = 0,
        instructions: str | None = None,
        extra: Sequence[Tool] = (),
        fixed_model: str | None = None,
    ) -> Result: ...

    async def cast(self, reference: str) -> Role: ...


@dataclass(slots=True)
class Stage:
    """One pattern at work. Steps are counted in the order of the play, which is always the same."""

    company: Performers
    role: Role
    messages: Asked
    path: str
    depth: int
    _number: int = 0
    _cast: dict[str, Role] = field(default_factory=dict)

    @property
    def question(self) -> str:
        """The words of the last message."""
        content = self.messages[-1]["content"]
        if isinstance(content, str):
            return content
        return "\n".join(each["text"] for each in content if each["type"] == "text")

    async def member(self, reference: str) -> Role:
        if reference not in self._cast:
            self._cast[reference] = await self.company.cast(reference)
        return self._cast[reference]

    async def ask(
        self, reference: str, messages: Asked, *, extra: Sequence[Tool] = (), place: str = ""
    ) -> Result:
        """Have a member work; `place` was taken before, where several begin at once."""
        role = await self.member(reference)
        limits = self.company.tree.limits
        if self.depth >= limits.depth:
            raise LimitReached(f"Agents may call agents {limits.depth} deep.")
        path = paths_under(self.path, place or self.place(role.slug))
        return await self.company.perform(role, messages, path, depth=self.depth + 1, extra=extra)

    async def decide(
        self, instructions: str, messages: Asked, schema: dict[str, Any] | None = None
    ) -> Result:
        """Ask this agent's own model, as the definition has it; with a schema for an object."""
        changes: dict[str, Any] = {"pattern": None, "agents": [], "memory": type(
            self.role.definition.memory)(), "output_schema": schema}  # fmt: skip
        if schema is not None:
            changes["tools"] = []
        definition = self.role.definition.model_copy(update=changes)
        path = paths_under(self.path, self.place(OWN))
        return await self.company.perform(
            replace(self.role, definition=definition),
            messages,
            path,
            depth=self.depth + 1,
            instructions=instructions,
        )

    def place(self, name: str) -> str:
        """The next place in the play."""
        self._number += 1
        return f"{self._number}.{name}"

    def tell(self, message: str, **fields: Any) -> None:
        """Note in the run's log how the play goes."""
        mark = f"{self.path}:{self._number}:{message}"
        self.company.tree.tell(
            "log", mark, step="pattern", path=self.path, agent=self.role.slug, message=message,
            **fields,
        )  # fmt: skip


async def together(works: Sequence[Awaitable[T]]) -> list[T]:
    """All of them, some at a time; where one must wait, the others are finished first."""
    room = asyncio.Semaphore(MOST_AT_ONCE)

    async def one(work: Awaitable[T]) -> T:
        async with room:
            return await work

    found = await asyncio.gather(*(one(work) for work in works), return_exceptions=True)
    failures = [each for each in found if isinstance(each, BaseException)]
    for failure in failures:
        if not isinstance(failure, Waits):
            raise failure
    if failures:
        raise failures[0]
    return [each for each in found if not isinstance(each, BaseException)]


def said(text: str) -> list[dict[str, Any]]:
    """A conversation of one message."""
    return [{"role": "user", "content": text}]


def quoted(parts: Sequence[tuple[str, str]]) -> str:
    """What members gave, each under its name."""
    return "\n\n".join(f"## {name}\n{text}" for name, text in parts)
