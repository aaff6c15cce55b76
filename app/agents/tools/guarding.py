"""The way of every call of a tool, within a run or without one: checked, in time, and bounded."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import orjson

from app.agents.tools.tool import (
    MOST_OUTPUT_CHARACTERS,
    Outcome,
    Tool,
    ToolContext,
    ToolFault,
)
from app.core.errors import AppError
from app.core.json_limits import storable
from app.core.json_schemas import lenient_validator_of
from app.core.log import get_logger

log = get_logger(__name__)

MOST_MISTAKES: Final = 5
LONGEST_MISTAKE: Final = 300
# Structured output may take so many times the characters that the text may.
DATA_TO_TEXT: Final = 4


def expect_valid(tool: Tool, arguments: Any) -> None:
    """Raises ToolFault for arguments that do not satisfy the tool's schema."""
    if not isinstance(arguments, dict):
        raise ToolFault("invalid_arguments", "The arguments must be a JSON object.")
    try:
        validator = lenient_validator_of(tool.parameters)
    except ValueError:
        raise ToolFault("invalid_tool", "The tool's own schema cannot be used.") from None
    mistakes = []
    for error in validator.iter_errors(arguments):
        place = "/".join(["", *map(str, error.instance_path)]) or "/"
        mistakes.append(f"{place}: {error.message[:LONGEST_MISTAKE]}")
        if len(mistakes) == MOST_MISTAKES:
            break
    if mistakes:
        raise ToolFault("invalid_arguments", "; ".join(mistakes))


async def called(
    tool: Tool,
    ctx: ToolContext,
    arguments: Mapping[str, Any],
    passing: tuple[type[Exception], ...] = (),
) -> Outcome:
    """What a tool gives to valid arguments, not bounded yet.

    Raises ToolFault, for what is wrong with the tool itself one that says no more; what is
    `passing` goes on as it is.
    """
    traits = tool.traits
    missing = traits.scopes - ctx.access.permissions
    if missing:
        raise ToolFault("forbidden", f"It takes the permission {min(missing)}.")
    try:
        async with asyncio.timeout(traits.seconds):
            return await tool.call(ctx, arguments)
    except passing:
        raise
    except TimeoutError:
        raise ToolFault("timeout", f"It took longer than {traits.seconds:g} s.") from None
    except AppError as error:
        raise ToolFault(error.code, error.detail) from None
    except ToolFault:
        raise
    except Exception:
        log.exception("tool_failed", tool=tool.name)
        raise ToolFault("internal_error", "The tool failed; the server's log says why.") from None


def bounded(outcome: Outcome, most: int) -> Outcome:
    """At most so many characters of text; `data` as plain JSON, and none that is far longer."""
    text, most = outcome.text, min(most, MOST_OUTPUT_CHARACTERS)
    if len(text) > most:
        text = f"{text[:most]}\n[… {len(outcome.text) - most} more characters were left out]"
    data = outcome.data
    if data is not None:
        data = _as_json(data, DATA_TO_TEXT * most)
    return Outcome(text.replace("\x00", "\ufffd"), data, outcome.sources)


def _as_json(data: Any, most: int) -> Any:
    """As Postgres keeps it; None where it is longer, or deeper than can be written."""
    try:
        written = orjson.dumps(data, default=str)
    except TypeError:
        return None
    return storable(orjson.loads(written)) if len(written) <= most else None
