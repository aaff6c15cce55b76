"""The connector `rows`: rows held to a schema one by one, each told where it comes from."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Final
from uuid import UUID

from pydantic import AfterValidator, Field

from app.agents.definitions.json_schemas import mistake_in, mistakes
from app.automation.language.flow import Schema
from app.automation.nodes.connectors.connector import (
    MOST_GIVEN,
    Connector,
    Operation,
    Reject,
    Rows,
)
from app.automation.nodes.node_type import StepContext
from app.core.schema import Input, Text

LINEAGE: Final = "_lineage"
_TOLD: Final = 3


def _usable(schema: dict[str, Any]) -> dict[str, Any]:
    wrong = mistake_in(schema)
    if wrong is not None:
        raise ValueError(wrong)
    return schema


class Lineage(Input):
    """Where rows come from; beside it stands which run read them."""

    source: Annotated[Text, Field(min_length=1, max_length=500)]
    position: Annotated[
        Text | None,
        Field(max_length=200, description="The column that says where; default: their order."),
    ] = None


class CheckOptions(Input):
    rows: Annotated[list[Any], Field(max_length=MOST_GIVEN)]
    row_schema: Annotated[
        Annotated[Schema, AfterValidator(_usable)] | None,
        Field(description="What a row must be; by default a JSON object."),
    ] = None
    lineage: Annotated[
        Lineage | None,
        Field(description="Each row gets `_lineage`: `{run_id, source, position}`."),
    ] = None


class Check(Operation[CheckOptions]):
    """`{rows, rejects, rejected}`: a row that does not fit is a reject, with what is wrong."""

    name = "check"
    kind = "transform"
    title = "Hold rows to a schema"
    options = CheckOptions
    example: ClassVar[Mapping[str, Any]] = {
        "rows": "{{ nodes.source.output.rows }}",
        "row_schema": {"type": "object", "required": ["id"]},
        "lineage": {"source": "shop.orders", "position": "id"},
    }

    async def perform(self, ctx: StepContext, options: CheckOptions) -> dict[str, Any]:
        return (await asyncio.to_thread(_checked, ctx.run_id, options)).told()


def _checked(run_id: UUID, options: CheckOptions) -> Rows:
    rows: list[Any] = []
    rejects: list[Reject] = []
    for index, row in enumerate(options.rows):
        wrong = _wrong_with(row, options.row_schema)
        if wrong:
            rejects.append(Reject(index, "row_invalid", "; ".join(wrong), row))
        elif options.lineage is not None:
            rows.append({**row, LINEAGE: _lineage(run_id, options.lineage, index, row)})
        else:
            rows.append(row)
    return Rows(rows, rejects=rejects)


def _wrong_with(row: Any, schema: Mapping[str, Any] | None) -> Sequence[str]:
    """The first few mistakes, as sentences."""
    if not isinstance(row, dict):
        return ["a row is a JSON object"]
    if schema is None:
        return ()
    return [f"{each.pointer}: {each.detail}" for each in mistakes(schema, row, "")][:_TOLD]


def _lineage(run_id: UUID, of: Lineage, index: int, row: Mapping[str, Any]) -> dict[str, Any]:
    position = index if of.position is None else row.get(of.position)
    return {"run_id": str(run_id), "source": of.source, "position": position}


def rows_connector() -> Connector:
    return Connector("rows", "Rows between a source and a sink", (Check(),))
