"""The connector `state`: values that a workflow keeps from one run to the next."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Final
from uuid import UUID

import orjson
from pydantic import AfterValidator, Field

from app.automation.nodes.connectors.connector import Connector, Operation
from app.automation.nodes.node_type import StepContext, StepFault
from app.automation.state import service
from app.core.db import Database
from app.core.schema import Input, Text, WholeNumber

MOST_BYTES: Final = 16_384


def _short(value: Any) -> Any:
    if len(orjson.dumps(value)) > MOST_BYTES:
        raise ValueError(f"must be at most {MOST_BYTES:,} bytes of JSON")
    return value


Key = Annotated[Text, Field(min_length=1, max_length=100, description="`cursor`.")]


class GetOptions(Input):
    key: Key = "cursor"


class Get(Operation[GetOptions]):
    """`{value, number}`: null and 0 where nothing was kept yet."""

    name = "get"
    kind = "source"
    title = "Read what the workflow kept"
    options = GetOptions
    example: ClassVar[Mapping[str, Any]] = {"key": "cursor"}

    def __init__(self, database: Database) -> None:
        self._database = database

    async def perform(self, ctx: StepContext, options: GetOptions) -> dict[str, Any]:
        workflow_id = _workflow_of(ctx)
        async with self._database.unit(ctx.access.scope) as session:
            kept = await service.read(session, ctx.access, workflow_id, options.key)
        return kept.told()


class SetOptions(Input):
    key: Key = "cursor"
    value: Annotated[
        Any, AfterValidator(_short), Field(description="Any JSON, at most 16 KiB.")
    ] = None
    after: Annotated[
        WholeNumber | None,
        Field(
            ge=0,
            le=2**31 - 2,
            description="The `number` that was read: with another one by now, the step fails.",
        ),
    ] = None


class Set(Operation[SetOptions]):
    """`{value, number}`. A step keeps its value once, however often it is attempted."""

    name = "set"
    kind = "sink"
    title = "Keep a value for the workflow's next run"
    options = SetOptions
    example: ClassVar[Mapping[str, Any]] = {
        "key": "cursor",
        "value": "{{ nodes.source.output.cursor }}",
        "after": "{{ nodes.state.output.number }}",
    }

    def __init__(self, database: Database) -> None:
        self._database = database

    async def perform(self, ctx: StepContext, options: SetOptions) -> dict[str, Any]:
        """Raises StateMoved and TooMuchState."""
        workflow_id = _workflow_of(ctx)
        async with self._database.unit(ctx.access.scope) as session:
            kept = await service.write(
                session,
                ctx.access,
                workflow_id,
                options.key,
                options.value,
                after=options.after,
                step=ctx.key,
            )
        return kept.told()


def _workflow_of(ctx: StepContext) -> UUID:
    """Raises StepFault: `state_unavailable`."""
    if ctx.workflow_id is None:
        raise StepFault("state_unavailable", "Only the runs of a workflow keep something for it.")
    return ctx.workflow_id


def state_connector(database: Database) -> Connector:
    return Connector("state", "What the workflow keeps", (Get(database), Set(database)))
