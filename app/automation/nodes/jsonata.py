"""The node type `jsonata`: a value by a JSONata expression, in a process of its own."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Final

from pydantic import Field

from app.automation.language.jsonata import LONGEST, Jsonata, mistake_in_jsonata
from app.automation.language.marks import NONE, marked
from app.automation.nodes.fields import Json
from app.automation.nodes.node_type import Given, StepContext, TaskNode
from app.core.auth import Access
from app.core.errors import FieldError
from app.core.schema import Input, Text

MOST_OF_ALL: Final = 64 * 1024
_TOO_MUCH: Final = FieldError(
    "/expression",
    "jsonata_too_long",
    f"all JSONata of a definition together has at most {MOST_OF_ALL // 1024} KiB",
)


class JsonataConfig(Input):
    expression: Annotated[
        Text,
        Field(
            min_length=1,
            max_length=LONGEST,
            description="JSONata 2: it sees `input` as its context.",
            json_schema_extra=marked(NONE),
        ),
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

    async def mistakes(self, access: Access, settings: Mapping[str, Any]) -> Sequence[FieldError]:
        [found] = await self.mistakes_of(access, [settings])
        return found

    async def mistakes_of(
        self, access: Access, settings: Sequence[Mapping[str, Any]]
    ) -> Sequence[Sequence[FieldError]]:
        """Reading a long one takes tens of milliseconds: so much of a definition, and no more."""
        del access
        left, told = MOST_OF_ALL, []
        for expression in (str(each.get("expression")) for each in settings):
            left -= len(expression)
            told.append(await _mistakes_in(expression) if left >= 0 else [_TOO_MUCH])
        return told

    async def perform(self, ctx: StepContext, config: JsonataConfig) -> Given:
        """Raises StepFault: `jsonata_failed`, `jsonata_timeout`, `jsonata_too_large`."""
        del ctx
        return Given(await self._jsonata.evaluate(config.expression, config.input))


async def _mistakes_in(expression: str) -> list[FieldError]:
    mistake = await asyncio.to_thread(mistake_in_jsonata, expression)
    if mistake is None:
        return []
    return [FieldError("/expression", "jsonata_invalid", f"is no JSONata: {mistake}")]
