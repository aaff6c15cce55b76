"""Node types for the benchmark, found as those of any other package: by their entry points."""

import asyncio
import time
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field

from app.automation.nodes.node_type import Given, StepContext, TaskNode
from app.core.schema import Input


class NoopConfig(Input):
    seconds: Annotated[float, Field(ge=0, le=60, description="That pass without work.")] = 0.0


class Noop(TaskNode[NoopConfig]):
    """Nothing, or nothing for a while."""

    name = "noop"
    title = "Nothing"
    config = NoopConfig
    example: ClassVar[Mapping[str, Any]] = {"id": "a", "type": "noop"}

    async def perform(self, ctx: StepContext, config: NoopConfig) -> Given:
        if config.seconds:
            await asyncio.sleep(config.seconds)
        return Given(ctx.attempt)


class SpeakConfig(Input):
    times: Annotated[int, Field(ge=1, le=100_000)]
    pause: Annotated[float, Field(gt=0, le=1, description="Seconds between two words.")]


class Speak(TaskNode[SpeakConfig]):
    """Says what time it is (nanoseconds of the machine's monotonic clock), again and again."""

    name = "speak"
    title = "Speak"
    config = SpeakConfig
    example: ClassVar[Mapping[str, Any]] = {
        "id": "a",
        "type": "speak",
        "with": {"times": 10, "pause": 0.05},
    }

    async def perform(self, ctx: StepContext, config: SpeakConfig) -> Given:
        for _ in range(config.times):
            await asyncio.sleep(config.pause)
            ctx.text(f"{time.monotonic_ns()} ")
        return Given(None)
