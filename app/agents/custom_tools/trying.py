"""A tool, tried by whoever makes it: what would be sent, and what a model would be told."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from app.agents.custom_tools.schemas import CustomToolTrial
from app.agents.custom_tools.schemas_read import (
    CustomToolTrialRead,
    SentRequest,
    ToolFaultRead,
)
from app.agents.custom_tools.tool import HttpTool
from app.agents.tools.tool import Outcome, ToolContext, ToolFault
from app.core.auth import Access
from app.core.ids import new_id
from app.core.json_schemas import validator_of


async def try_out(tool: HttpTool, access: Access, trial: CustomToolTrial) -> CustomToolTrialRead:
    """Call it as a model's call would be made, without its approval: a person asks for it."""
    run_id = new_id()
    ctx = ToolContext(access, run_id, "trial", key=str(run_id))
    began = time.monotonic()
    request: SentRequest | None = None
    outcome: Outcome | None = None
    fault: ToolFault | None = None
    try:
        expect_arguments(tool.parameters, trial.arguments)
        request = await tool.preview(ctx, trial.arguments)
        if trial.send:
            async with asyncio.timeout(tool.traits.seconds):
                outcome = await tool.call(ctx, trial.arguments)
    except ToolFault as error:
        fault = error
    except TimeoutError:
        fault = ToolFault("timeout", f"It took longer than {tool.traits.seconds:g} seconds.")
    told = {"code": fault.code, "message": fault.message} if fault else None
    return CustomToolTrialRead(
        ok=None if fault is None and not trial.send else fault is None,
        request=request,
        text=outcome.text if outcome else None,
        data=outcome.data if outcome else None,
        error=ToolFaultRead.model_validate(told) if told else None,
        milliseconds=round((time.monotonic() - began) * 1000),
    )


def expect_arguments(parameters: Mapping[str, Any], arguments: Mapping[str, Any]) -> None:
    """Raise ToolFault where arguments do not satisfy a tool's schema."""
    for error in validator_of(parameters, only_2020=True).iter_errors(dict(arguments)):
        place = "/".join(str(step) for step in error.instance_path) or "arguments"
        raise ToolFault("bad_argument", f"`{place}`: {error.message}"[:500])
