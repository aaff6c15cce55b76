"""Which function plays which pattern."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from app.agents.runtime.patterns import deliberation, division, sequence
from app.agents.runtime.patterns.stage import Stage
from app.agents.runtime.performing import Result

PLAYS: Final[Mapping[str, Callable[[Stage, Any], Awaitable[Result]]]] = {
    "chain": sequence.chain,
    "router": sequence.router,
    "hand_off": sequence.hand_off,
    "evaluator_optimizer": sequence.evaluator_optimizer,
    "parallel": division.parallel,
    "orchestrator": division.orchestrator,
    "group": deliberation.group,
    "voting": deliberation.voting,
}


async def play(stage: Stage) -> Result:
    """Have the agents of a pattern work; raises what their work raises."""
    pattern = stage.role.definition.pattern
    assert pattern is not None  # noqa: S101 - only teams are played
    return await PLAYS[pattern.type](stage, pattern)
