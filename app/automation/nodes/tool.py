"""The node type `tool`: one call of a tool that agents have, with arguments of the workflow's."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import Field

from app.agents.tools.guarding import bounded, called, expect_valid
from app.agents.tools.registry import ToolRegistry
from app.agents.tools.tool import Tool, ToolContext, ToolFault, Wanted
from app.automation.nodes.exchanging import origin_of
from app.automation.nodes.faults import fault_of, fault_of_tool
from app.automation.nodes.fields import JsonObject, is_template
from app.automation.nodes.node_type import Given, StepContext, StepFault, TaskNode
from app.core.auth import Access, Permission
from app.core.errors import AppError, FieldError
from app.core.schema import Input, Text

NEEDED: Final = "approval_needed"
_HINT: Final = (
    "a person must agree to a call of this tool: put an `approval` node before it, and set "
    "`approval` to `never` here"
)


class ToolConfig(Input):
    tool: Annotated[
        Text,
        Field(
            min_length=1,
            max_length=200,
            description="`calculator`, `custom:crm-lookup`, `mcp:wiki/search`: exactly one.",
        ),
    ]
    arguments: JsonObject = Field(default_factory=dict)
    config: Annotated[
        dict[str, Any], Field(max_length=32, description="Its settings, by the tool's own schema.")
    ] = Field(default_factory=dict)
    approval: Annotated[
        Literal["never"] | None,
        Field(description="`never`: no person need agree, whatever the tool says of itself."),
    ] = None


class ToolNode(TaskNode[ToolConfig]):
    """The same way that a call of an agent's goes, but for approvals: those are nodes here."""

    name = "tool"
    title = "Call a tool"
    config = ToolConfig
    seconds = 180.0
    example: ClassVar[Mapping[str, Any]] = {
        "id": "total",
        "type": "tool",
        "with": {"tool": "calculator", "arguments": {"expression": "{{ inputs.net }} * 1.19"}},
    }

    sample: ClassVar[Any] = {"text": "…", "data": None}

    def __init__(self, tools: ToolRegistry) -> None:
        self._tools = tools

    async def mistakes(self, access: Access, settings: Mapping[str, Any]) -> Sequence[FieldError]:
        if is_template(settings.get("tool")) or is_template(settings.get("config")):
            said = "must stand in the definition itself: what a tool may do is checked beforehand"
            return [FieldError("/tool", "tool_not_fixed", said)]
        config = ToolConfig.model_construct(None, **settings)
        waived = settings.get("approval") == "never"
        if waived and Permission.WORKFLOW_TASKS_WRITE not in access.permissions:
            said = f"takes the permission {Permission.WORKFLOW_TASKS_WRITE}"
            return [FieldError("/approval", "permission_denied", said)]
        try:
            tool = await self._opened(access, config)
        except StepFault as fault:
            return [FieldError("/tool", fault.code, fault.message)]
        found = [] if waived else _unagreed(tool, settings)
        arguments = settings.get("arguments", {})
        if not is_template(arguments):
            try:
                expect_valid(tool, arguments)
            except ToolFault as fault:
                found.append(FieldError("/arguments", fault.code, fault.message))
        return found

    def target(self, config: ToolConfig) -> str | None:
        """A tool that is given an address calls that."""
        url = config.arguments.get("url")
        origin = origin_of(url) if isinstance(url, str) else None
        return f"{config.tool} {origin}" if origin else config.tool

    async def perform(self, ctx: StepContext, config: ToolConfig) -> Given:
        """Raises StepFault, with the code of what went wrong in the tool."""
        tool = await self._opened(ctx.access, config)
        if tool.traits.approval == "always" and config.approval != "never":
            # It was not so when the definition was written.
            raise StepFault(NEEDED, f"`{config.tool}`: {_HINT}.")

        def tell(fields: Mapping[str, Any]) -> None:
            ctx.log(str(fields.get("message") or dict(fields)))

        context = ToolContext(
            ctx.access, ctx.run_id, ctx.path, ctx.key, config=config.config, tell=tell
        )
        try:
            expect_valid(tool, config.arguments)
            outcome = await called(tool, context, config.arguments, (AppError,))
        except ToolFault as fault:
            raise fault_of_tool(fault) from None
        except AppError as error:
            raise fault_of(error) from error
        within = bounded(outcome, tool.traits.characters)
        return Given({"text": within.text, "data": within.data})

    async def is_repeatable(self, ctx: StepContext, config: ToolConfig) -> bool:
        return (await self._opened(ctx.access, config)).traits.idempotent

    async def _opened(self, access: Access, config: ToolConfig) -> Tool:
        """The tool; raises StepFault where there is none, or several, or it cannot be used."""
        given: Mapping[str, Any] = getattr(config, "config", None) or {}
        try:
            tools = await self._tools.open(access, Wanted(config.tool, given))
        except AppError as error:
            raise fault_of(error) from error
        if len(tools) != 1:
            raise StepFault("tool_unfit", f"`{config.tool}` stands for {len(tools)} tools.")
        return tools[0]


def _unagreed(tool: Tool, settings: Mapping[str, Any]) -> list[FieldError]:
    """An address that the author wrote out is agreed to by that."""
    usual = tool.traits.approval
    free = usual == "unseen_url" and not is_template(settings.get("arguments"))
    if usual == "never" or free:
        return []
    return [FieldError("/tool", NEEDED, _HINT)]
