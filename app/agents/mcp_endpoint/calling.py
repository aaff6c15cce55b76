"""One call of a tool that stands in no run: checked, bounded, and ended in time."""

import asyncio
from collections.abc import Mapping
from typing import Any

from app.agents.tools.tool import Outcome, Tool, ToolContext, ToolFault
from app.core.json_schemas import lenient_validator_of
from app.core.log import get_logger

log = get_logger(__name__)


async def guarded(tool: Tool, ctx: ToolContext, arguments: Mapping[str, Any]) -> Outcome:
    """Raises ToolFault, and for what is wrong with the tool itself one that says no more."""
    if mistake := _mistake(tool.parameters, arguments):
        raise ToolFault("invalid_arguments", mistake)
    traits = tool.traits
    if not traits.scopes <= ctx.access.permissions:
        raise ToolFault("not_allowed", f"Your key may not use `{tool.name}`.")
    try:
        async with asyncio.timeout(traits.seconds):
            done = await tool.call(ctx, arguments)
    except ToolFault:
        raise
    except TimeoutError:
        raise ToolFault("timeout", f"It was not done in {traits.seconds:g} seconds.") from None
    except Exception:
        log.exception("mcp_tool_failed", tool=tool.name)
        raise ToolFault("failed", "The tool failed; the operator's log says why.") from None
    if len(done.text) > traits.characters:
        left = len(done.text) - traits.characters
        text = f"{done.text[: traits.characters]}\n[… {left} characters more: left out]"
        return Outcome(text, None, done.sources)
    return done


def _mistake(schema: Mapping[str, Any], arguments: Mapping[str, Any]) -> str | None:
    try:
        checker = lenient_validator_of(schema)
    except ValueError:
        return "The tool's own schema cannot be used."
    for error in checker.iter_errors(dict(arguments)):
        place = "/".join(str(step) for step in error.instance_path)
        return f"`{place}`: {error.message}"[:1000]
    return None
