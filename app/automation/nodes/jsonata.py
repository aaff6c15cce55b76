"""The node type `jsonata`: a value by a JSONata expression, in a process of its own."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field

from app.automation.language.jsonata import LONGEST, Jsonata, mistake_in_jsonata
from app.automation.language.marks import NONE, marked
from app.automation.nodes.fields import Json
from app.automation.nodes.node_type import Given, StepContext, TaskNode
from app.core.schema import Input, Text


def _readable(expression: str) -> str:
    mistake = mistake_in_jsonata(expression)
    if mistake is not None:
        raise ValueError(f"is no JSONata: {mistake}")
    return expression


class JsonataConfig(Input):
    expression: Annotated[
        Text,
        Field(
            min_length=1,
            max_length=LONGEST,
            description="JSONata 2: it sees `input` as its context.",
            json_schema_extra=marked(NONE),
        ),
        AfterValidator(_readable),
    ]
    input: Json = None


class JsonataNode(TaskNode[JsonataConfig]):
    """Reshapes, groups and sums what CEL has no words for; what it gives is its output."""

    name = "jsonata"
    title = "Transform with JSONata"
    config = JsonataConfig
    example: ClassVar[Mapping[str, Any]] = {
        "id": "totals",
        "type": "jsonata",
        "with": {
            "expression": "orders{customer: $sum(amount)}",
            "input": {"orders": "{{ inputs.orders }}"},
        },
    }

    def __init__(self, jsonata: Jsonata) -> None:
        self._jsonata = jsonata

    async def perform(self, ctx: StepContext, config: JsonataConfig) -> Given:
        """Raises StepFault: `jsonata_failed`, `jsonata_timeout`, `jsonata_too_large`."""
        del ctx
        return Given(await self._jsonata.evaluate(config.expression, config.input))
