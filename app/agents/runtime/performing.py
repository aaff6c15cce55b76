"""One agent at work: pydantic-ai's loop over our model, our tools and our journal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from typing import Any

import orjson
from pydantic_ai import Agent, DeferredToolRequests, ModelRetry, RunContext
from pydantic_ai.exceptions import ApprovalRequired, ToolFailed
from pydantic_ai.messages import ModelResponse
from pydantic_ai.tools import ToolDefinition
from pydantic_ai.toolsets import AbstractToolset
from pydantic_ai.toolsets.abstract import ToolsetTool
from pydantic_ai.usage import UsageLimits
from pydantic_core import SchemaValidator, core_schema

from app.agents.runtime.answer import Partial
from app.agents.runtime.errors import OutputInvalid
from app.agents.runtime.gateway_model import Asking, GatewayModel, said
from app.agents.runtime.inert import InertText
from app.agents.runtime.prompt import Prompt
from app.agents.runtime.prompting import CALL, history_of
from app.agents.runtime.toolbox import Held, Toolbox
from app.agents.runtime.tree import Role, Tree, Waits
from app.agents.runtime.words import calls_of, restored, text_of
from app.core.json_schemas import validator_of
from app.inference.providers.types import Message, TextPart, ToolSpec

MENDS = 3
MEND = (
    "Your answer does not satisfy the required JSON schema ({why}). "
    "Answer again with JSON alone that satisfies it."
)
# The runtime checks arguments itself, and tells the model what is wrong with them.
_ANYTHING = SchemaValidator(core_schema.any_schema())


@dataclass(frozen=True, slots=True)
class Result:
    """What an agent gave: `output` is an object where its definition has a schema, else `text`."""

    output: Any
    text: str
    steps: int


class HandedOff(Exception):
    """The agent has given the conversation to another one."""

    def __init__(self, to: str, note: str) -> None:
        super().__init__(to)
        self.to = to
        self.note = note


@dataclass(slots=True)
class Performance:
    """What the loop needs of one agent of the tree."""

    tree: Tree
    role: Role
    path: str
    prompt: Prompt
    tools: Mapping[str, Held]
    partials: dict[tuple[str, int], Partial]
    fixed_model: str | None = None
    waits: list[Waits] = field(default_factory=list)
    mended: int = 0

    async def perform(self) -> Result:
        """Work until there is a result; raises Waits where the agent cannot go on for now."""
        toolbox = Toolbox(self.tree, self.role, self.path, self.tools)
        asking = Asking(
            self.tree,
            self.role,
            self.path,
            self.prompt,
            specs_of(self.tools),
            self.partials,
            self.fixed_model,
        )
        if not self.tools and (alone := await self._alone(asking)) is not None:
            return alone
        answers = self.tree.journal.answers(self.path)
        result = await _loop().run(
            model=GatewayModel(asking),
            message_history=history_of(answers, self._results(), MEND.format(why="…")),
            toolsets=[_Toolset(self, toolbox)],
            deps=self,
            usage_limits=UsageLimits(request_limit=None),
        )
        if isinstance(result.output, DeferredToolRequests):
            raise self.waits[0] if self.waits else Waits("approval")
        return self._result(result.output)

    async def _alone(self, asking: Asking) -> Result | None:
        """Work without tools needs no loop; None where the model called one all the same."""
        shown: list[Message] = []
        for number in count(1):
            step = await asking.asked(number, shown)
            parts = restored((step.outcome or {})["parts"])
            if calls_of(parts):
                return None
            text = text_of(parts)
            # What was asked again was asked within the limits of then, by a process that is gone.
            is_past = (self.path, number + 1, "") in self.tree.journal.steps
            mend = self._mend(text, is_past=is_past)
            if mend is None:
                return self._result(text)
            shown += [Message("assistant", parts), Message("user", (TextPart(mend),))]
        return None

    def _results(self) -> dict[tuple[int, str], Any]:
        return {
            (number, call_id): step
            for (path, number, call_id), step in self.tree.journal.steps.items()
            if path == self.path and call_id and step.status == "ended"
        }

    def _result(self, text: str) -> Result:
        answers = self.tree.journal.answers(self.path)
        whole = said(answers[-1]) if answers else text
        if self.role.definition.output_schema is not None:
            return Result(orjson.loads(_bare(whole)), whole, len(answers))
        inert = InertText(self.role.definition.output)
        shown = inert.feed(whole) + inert.finish()
        return Result(shown, shown, len(answers))

    def checked(self, text: str) -> str:
        """The answer, once it satisfies the schema; else the model is told why it does not."""
        mend = self._mend(text)
        if mend is None:
            return text
        raise ModelRetry(mend)

    def _mend(self, text: str, *, is_past: bool = False) -> str | None:
        """What the model is told of an answer that will not do; raises OutputInvalid at last.

        `is_past` says that it was told already.
        """
        schema = self.role.definition.output_schema
        why = None if schema is None else _why_not(schema, text)
        if why is None:
            return None
        self.mended += 1
        if not is_past and (self.mended > MENDS or self.tree.is_last_step):
            raise OutputInvalid(why)
        return MEND.format(why=why)


class _Toolset(AbstractToolset[Performance]):
    """The toolbox, as the loop calls it."""

    def __init__(self, performance: Performance, toolbox: Toolbox) -> None:
        self._performance = performance
        self._toolbox = toolbox
        self._tools = {
            CALL: ToolsetTool(
                toolset=self,
                tool_def=ToolDefinition(name=CALL),
                max_retries=1000,
                args_validator=_ANYTHING,
            )
        }

    @property
    def id(self) -> str:
        return "luminous"

    async def get_tools(self, ctx: RunContext[Performance]) -> dict[str, ToolsetTool[Performance]]:  # noqa: ARG002
        return self._tools

    async def call_tool(
        self,
        name: str,  # noqa: ARG002 - always the same one
        tool_args: dict[str, str],
        ctx: RunContext[Performance],
        tool: ToolsetTool[Performance],  # noqa: ARG002
    ) -> str:
        number = sum(isinstance(each, ModelResponse) for each in ctx.messages)
        called, arguments = tool_args["name"], tool_args["arguments"]
        try:
            step = await self._toolbox.call(number, ctx.tool_call_id or CALL, called, arguments)
        except Waits as waits:
            # The other calls of this step are finished; then the agent waits.
            self._performance.waits.append(waits)
            raise ApprovalRequired from waits
        outcome = step.outcome or {}
        text: str = outcome["text"]
        handed, held = outcome.get("data"), self._toolbox.held.get(called)
        if isinstance(handed, dict) and held is not None and held.hands_off:
            raise HandedOff(handed["handed_off_to"], handed["note"])
        if step.is_error:
            raise ToolFailed(text)
        return text


def specs_of(tools: Mapping[str, Held]) -> tuple[ToolSpec, ...]:
    return tuple(
        ToolSpec(name, held.tool.description, held.tool.parameters) for name, held in tools.items()
    )


@cache
def _loop() -> "Agent[Performance, str | DeferredToolRequests]":
    """One for all runs: what differs comes with each."""
    agent: Agent[Performance, str | DeferredToolRequests] = Agent(
        output_type=[str, DeferredToolRequests],
        deps_type=Performance,
        retries={"tools": 1000, "output": MENDS},
    )

    @agent.output_validator
    def _checked(
        ctx: RunContext[Performance], output: str | DeferredToolRequests
    ) -> str | DeferredToolRequests:
        return output if isinstance(output, DeferredToolRequests) else ctx.deps.checked(output)

    return agent


def _why_not(schema: dict[str, Any], text: str) -> str | None:
    try:
        value = orjson.loads(_bare(text))
    except orjson.JSONDecodeError as error:
        return f"it is not JSON: {error}"
    mistakes: Sequence[Any] = list(validator_of(schema, only_2020=True).iter_errors(value))
    if not mistakes:
        return None
    first = mistakes[0]
    where = "/".join(["", *map(str, first.instance_path)]) or "/"
    return f"{where}: {first.message[:300]}"


def _bare(text: str) -> str:
    """The text without the fence that models like to put around JSON."""
    bare = text.strip()
    if bare.startswith("```") and bare.endswith("```"):
        bare = bare.removeprefix("```json").removeprefix("```").removesuffix("```").strip()
    return bare
