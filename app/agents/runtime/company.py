"""Puts the agents of one run to work: the one that was asked, and those that get work from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from app.agents.runtime.answer import Partial
from app.agents.runtime.context import ContextBuilder
from app.agents.runtime.performing import Performance, Result
from app.agents.runtime.toolbox import Held
from app.agents.runtime.tree import Role, Tree
from app.agents.tools.tool import Outcome, Tool, ToolContext, ToolFault, ToolTraits, Wanted
from app.core.errors import AppError
from app.core.log import get_logger

log = get_logger(__name__)

DELEGATED: Final = ToolTraits("none", idempotent=True, seconds=86_400, characters=60_000)
MOST_NAME: Final = 64
TASK: Final = {
    "type": "object",
    "properties": {
        "task": {
            "type": "string",
            "minLength": 1,
            "maxLength": 100_000,
            "description": "What is to be done, with all that is needed to know for it.",
        }
    },
    "required": ["task"],
    "additionalProperties": False,
}


@dataclass(slots=True)
class Company:
    """All agents of a run draw on the same tree."""

    tree: Tree
    context: ContextBuilder
    partials: dict[tuple[str, int], Partial] = field(default_factory=dict)

    async def perform(
        self,
        role: Role,
        messages: Sequence[Mapping[str, Any]],
        path: str = "",
        *,
        depth: int = 0,
        instructions: str | None = None,
        extra: Sequence[Tool] = (),
        fixed_model: str | None = None,
    ) -> Result:
        """Have an agent answer; raises Waits, and what ends the run.

        `instructions` take the place of the definition's own, rendered; `extra` are tools beside
        those that it names.
        """
        if role.definition.pattern is not None and instructions is None:
            from app.agents.runtime.patterns.playing import play  # noqa: PLC0415 - few are teams
            from app.agents.runtime.patterns.stage import Stage  # noqa: PLC0415

            return await play(Stage(self, role, messages, path, depth))
        tools = await self._tools(role, path, depth, extra)
        prompt = await self.context.build(self.tree, role, messages, path, instructions)
        performance = Performance(self.tree, role, path, prompt, tools, self.partials, fixed_model)
        return await performance.perform()

    async def cast(self, reference: str) -> Role:
        return await self.tree.cast(self.tree.access, reference)

    async def _tools(
        self, role: Role, path: str, depth: int, extra: Sequence[Tool]
    ) -> dict[str, Held]:
        held: dict[str, Held] = {}
        for use in role.definition.tools:
            try:
                tools = await self.tree.tools.open(self.tree.access, Wanted(use.tool, use.config))
            except AppError as error:
                self.tree.tell(
                    "log", f"{role.slug}:{use.tool}", step="tools", path=path, level="warning",
                    code=error.code, message=f"{use.tool}: {error.detail}",
                )  # fmt: skip
                continue
            for tool in tools:
                held[_free(tool.name, held)] = Held(tool, use.approval, use.config)
        for tool in extra:
            held[_free(tool.name, held)] = Held(tool)
        for reference in role.definition.agents:
            delegate = Delegate(self, await self.cast(reference), reference, depth)
            held[_free(delegate.name, held)] = Held(delegate)
        return held


@dataclass(frozen=True, slots=True)
class Delegate:
    """Another agent as a tool: it works on a task and gives its result back."""

    company: Company
    role: Role
    reference: str
    depth: int

    @property
    def name(self) -> str:
        return f"ask_{self.role.slug}".replace("-", "_")[:MOST_NAME]

    @property
    def description(self) -> str:
        return f"Give a task to the agent {self.role.name}, and get its result."

    @property
    def parameters(self) -> Mapping[str, Any]:
        return TASK

    @property
    def traits(self) -> ToolTraits:
        return DELEGATED

    async def call(self, ctx: ToolContext, arguments: Mapping[str, Any]) -> Outcome:
        if self.depth >= self.company.tree.limits.depth:
            raise ToolFault("depth_reached", "No further agent may be asked; do it yourself.")
        asked = [{"role": "user", "content": arguments["task"]}]
        result = await self.company.perform(self.role, asked, ctx.call_id, depth=self.depth + 1)
        return Outcome(result.text, None if result.output == result.text else result.output)


def _free(name: str, held: Mapping[str, Any]) -> str:
    """The name, or where two sources have the same, one beside it."""
    free, number = name, 2
    while free in held:
        suffix = f"_{number}"
        free, number = name[: MOST_NAME - len(suffix)] + suffix, number + 1
    return free
