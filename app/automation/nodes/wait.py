"""The node type `wait`: until a moment, for a while, or for an event."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar, Final, Self

import orjson
from pydantic import Field, model_validator

from app.automation.language.expressions import LONGEST
from app.automation.language.flow import OUT, TIMEOUT, Duration, Expression, seconds_of
from app.automation.language.marks import CEL, marked
from app.automation.nodes.event_types import EventType
from app.automation.nodes.node_type import Awaited, Given, StepContext, WaitingNode
from app.core.clock import now
from app.core.schema import Input, Moment, Text

_DATA_PATH: Final = r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$"
_Scalar = (
    Annotated[Text, Field(max_length=500)]
    | bool
    | Annotated[int, Field(ge=-(2**63), lt=2**63)]
    | float
)


class EventWanted(Input):
    type: Annotated[EventType, Field(description="`order.paid`: the event's type.")]
    match: Annotated[
        Expression | None,
        Field(
            description="CEL over `event` (`{id, type, data}`) alone; by default any of the type.",
            json_schema_extra=marked(CEL, "event", alone=True),
        ),
    ] = None
    where: Annotated[
        dict[Annotated[str, Field(pattern=_DATA_PATH, max_length=200)], _Scalar],
        Field(
            max_length=10,
            description='What its data must be: `{"order.id": "{{ inputs.order_id }}"}`.',
        ),
    ] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _short(self) -> Self:
        if len(self.condition or "") > LONGEST:
            raise ValueError(f"`match` and `where` have more than {LONGEST} characters together")
        return self

    @property
    def condition(self) -> str | None:
        """Both as one expression over `event`."""
        wanted = [f"({self.match})"] if self.match else []
        for path, value in self.where.items():
            # In brackets a name may be one of the language's own words.
            at = "".join(f'["{name}"]' for name in path.split("."))
            wanted.append(f"event.data{at} == {orjson.dumps(value).decode()}")
        return " && ".join(wanted) or None


class WaitConfig(Input):
    for_: Annotated[Duration | None, Field(alias="for")] = None
    until: Annotated[Moment | None, Field(description="A moment; one that is past ends it.")] = None
    event: EventWanted | None = None
    timeout: Annotated[
        Duration | None,
        Field(description="Of an event: it leaves by the port `timeout` when this is over."),
    ] = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(each is not None for each in (self.for_, self.until, self.event)) != 1:
            raise ValueError("wants exactly one of `for`, `until` and `event`")
        if self.timeout is not None and self.event is None:
            raise ValueError("`timeout` belongs to an `event`: a time needs none")
        return self


class Wait(WaitingNode[WaitConfig]):
    """Its output is null, or the event: `{id, type, data}`. It costs nothing while it lasts."""

    name = "wait"
    title = "Wait"
    config = WaitConfig
    ports = frozenset({OUT})
    example: ClassVar[Mapping[str, Any]] = {
        "id": "paid",
        "type": "wait",
        "with": {
            "event": {"type": "order.paid", "where": {"order_id": "{{ inputs.order_id }}"}},
            "timeout": "3d",
        },
    }

    async def begin(self, ctx: StepContext, config: WaitConfig) -> Awaited | Given:
        del ctx
        if config.event is not None:
            until = _after(config.timeout) if config.timeout else None
            return Awaited("event", until, config.event.type, config.event.condition)
        until = config.until or _after(config.for_ or "0s")
        if until <= now():
            return Given(None)
        return Awaited("time", until)

    def finish(self, config: WaitConfig, brought: Mapping[str, Any] | None) -> Given:
        if brought is not None:
            return Given(dict(brought))
        if config.event is not None:
            return Given(None, TIMEOUT)
        return Given(None)


def _after(duration: str) -> datetime:
    return now() + timedelta(seconds=seconds_of(duration))
