"""The node type `emit`: an event for triggers, waits and subscribers of the workspace."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar
from uuid import uuid5

from pydantic import AfterValidator, Field

from app.automation.nodes.event_types import OWN, RESERVED
from app.automation.nodes.fields import JsonObject
from app.automation.nodes.node_type import Given, StepContext, TaskNode
from app.core.db import Database
from app.core.outbox import MOST_TYPE, emit
from app.core.schema import Input, Text


def _free(value: str) -> str:
    what = value.partition(".")[0]
    if what in RESERVED:
        raise ValueError(f"begins with `{what}`, of which the service itself tells")
    return value


class EmitConfig(Input):
    type: Annotated[
        Text,
        Field(
            min_length=3,
            max_length=MOST_TYPE,
            pattern=OWN,
            description="`<what>.<became>`, such as `order.approved`.",
        ),
        AfterValidator(_free),
    ]
    data: Annotated[JsonObject, Field(description="At most 64 KiB of JSON.")] = Field(
        default_factory=dict
    )


class Emit(TaskNode[EmitConfig]):
    """One event, however often the step is attempted."""

    name = "emit"
    title = "Emit an event"
    config = EmitConfig
    at_home = True
    example: ClassVar[Mapping[str, Any]] = {
        "id": "told",
        "type": "emit",
        "with": {"type": "order.approved", "data": {"order_id": "{{ inputs.order_id }}"}},
    }

    sample: ClassVar[Any] = {"event_id": None}

    def __init__(self, database: Database) -> None:
        self._database = database

    async def perform(self, ctx: StepContext, config: EmitConfig) -> Given:
        """Raises EventTooLarge."""
        event_id = uuid5(ctx.run_id, ctx.key)
        async with self._database.unit(ctx.access.scope) as session:
            await emit(
                session,
                ctx.access.workspace_id,
                config.type,
                config.data,
                subject_id=ctx.run_id,
                user_id=ctx.access.user_id,
                depth=ctx.depth + 1,
                event_id=event_id,
            )
        return Given({"event_id": str(event_id)})
