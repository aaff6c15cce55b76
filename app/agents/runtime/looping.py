"""pydantic-ai's loop over our model, our tools and our journal."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

from pydantic_ai import Agent, DeferredToolRequests, ModelRetry, RunContext
from pydantic_ai.exceptions import ApprovalRequired, ToolFailed
from pydantic_ai.messages import ModelResponse
from pydantic_ai.tools import ToolDefinition
from pydantic_ai.toolsets import AbstractToolset
from pydantic_ai.toolsets.abstract import ToolsetTool
from pydantic_ai.usage import UsageLimits
from pydantic_core import SchemaValidator, core_schema

from app.agents.runtime.asking import Asking
from app.agents.runtime.gateway_model import GatewayModel
from app.agents.runtime.models import ExecutionStep
from app.agents.runtime.prompting import CALL, history_of
from app.agents.runtime.toolbox import Toolbox
from app.agents.runtime.tree import HandedOff, Waits

# The runtime checks arguments itself, and tells the model what is wrong with them.
_ANYTHING = SchemaValidator(core_schema.any_schema())


@dataclass(slots=True)
class Loop:
    """Asks, has tools called and asks again, until there is an answer.

    `mend` says what the model is told of an answer that will not do, at most so many `mends` times.
    """

    asking: Asking
    toolbox: Toolbox
    mend: Callable[[str], str | None]
    mends: int
    waits: list[Waits] = field(default_factory=list)

    async def run(self, mended: str) -> str:
        """The answer; raises Waits where the agent cannot go on for now.

        `mended` is what a model was told before whose answer did not do.
        """
        answers = self.asking.journal.answers(self.asking.path)
        result = await _loop(self.mends).run(
            model=GatewayModel(self.asking),
            message_history=history_of(answers, self._results(), mended),
            toolsets=[_Toolset(self)],
            deps=self,
            usage_limits=UsageLimits(request_limit=None),
        )
        if isinstance(result.output, DeferredToolRequests):
            raise self.waits[0] if self.waits else Waits("approval")
        return result.output

    def _results(self) -> dict[tuple[int, str], ExecutionStep]:
        return {
            (number, call_id): step
            for (path, number, call_id), step in self.asking.journal.steps.items()
            if path == self.asking.path and call_id and step.status == "ended"
        }

    def checked(self, text: str) -> str:
        """The answer, once it will do; else the model is told why it does not."""
        mend = self.mend(text)
        if mend is None:
            return text
        raise ModelRetry(mend)


class _Toolset(AbstractToolset[Loop]):
    """The toolbox, as the loop calls it."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
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

    async def get_tools(self, ctx: RunContext[Loop]) -> dict[str, ToolsetTool[Loop]]:  # noqa: ARG002
        return self._tools

    async def call_tool(
        self,
        name: str,  # noqa: ARG002 - always the same one
        tool_args: dict[str, str],
        ctx: RunContext[Loop],
        tool: ToolsetTool[Loop],  # noqa: ARG002
    ) -> str:
        number = sum(isinstance(each, ModelResponse) for each in ctx.messages)
        called, arguments = tool_args["name"], tool_args["arguments"]
        try:
            step = await self._loop.toolbox.call(
                number, ctx.tool_call_id or CALL, called, arguments
            )
        except Waits as waits:
            # The other calls of this step are finished; then the agent waits.
            self._loop.waits.append(waits)
            raise ApprovalRequired from waits
        outcome = step.outcome or {}
        text: str = outcome["text"]
        handed, held = outcome.get("data"), self._loop.toolbox.held.get(called)
        if isinstance(handed, dict) and held is not None and held.hands_off:
            raise HandedOff(handed["handed_off_to"], handed["note"])
        if step.is_error:
            raise ToolFailed(text)
        return text


@cache
def _loop(mends: int) -> "Agent[Loop, str | DeferredToolRequests]":
    """One for all runs: what differs comes with each."""
    agent: Agent[Loop, str | DeferredToolRequests] = Agent(
        output_type=[str, DeferredToolRequests],
        deps_type=Loop,
        retries={"tools": 1000, "output": mends},
    )

    @agent.output_validator
    def _checked(
        ctx: RunContext[Loop], output: str | DeferredToolRequests
    ) -> str | DeferredToolRequests:
        return output if isinstance(output, DeferredToolRequests) else ctx.deps.checked(output)

    return agent
