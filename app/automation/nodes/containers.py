"""The node types that hold scopes: `parallel`, `map`, `loop` and `try`. The engine walks them."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from app.automation.language.flow import Expression
from app.automation.language.marks import CEL, marked
from app.automation.nodes.node_type import ContainerNode
from app.core.schema import Input, WholeNumber

MOST_ITEMS = 10_000
MOST_TURNS = 10_000
_TURN = ("index", "last")


class ParallelConfig(Input):
    concurrency: Annotated[
        WholeNumber | None,
        Field(ge=1, le=50, description="Branches at the same time; by default all."),
    ] = None


class Parallel(ContainerNode[ParallelConfig]):
    """Its `branches` run beside each other; its output is `{branch: output}`."""

    name = "parallel"
    title = "Parallel"
    config = ParallelConfig
    scopes = frozenset({"branches"})
    example: ClassVar[Mapping[str, Any]] = {
        "id": "both",
        "type": "parallel",
        "branches": {
            "short": {
                "nodes": [
                    {"id": "brief", "type": "transform", "with": {"value": "{{ inputs.text }}"}}
                ]
            },
            "long": {
                "nodes": [
                    {"id": "whole", "type": "transform", "with": {"value": "{{ inputs.text }}"}}
                ]
            },
        },
    }


class MapConfig(Input):
    items: Annotated[
        list[Any],
        Field(
            max_length=MOST_ITEMS,
            description="`{{ nodes.rows.output }}`; the body sees each as `item`, and `index`.",
        ),
    ]
    concurrency: Annotated[
        WholeNumber, Field(ge=1, le=100, description="Items at the same time.")
    ] = 5
    on_error: Annotated[
        Literal["fail", "collect"],
        Field(description="`collect`: go on; the output is `{results, errors}`."),
    ] = "fail"


class Map(ContainerNode[MapConfig]):
    """Its `body` runs once for each item; its output is the list of what the body gives."""

    name = "map"
    title = "For each"
    config = MapConfig
    scopes = frozenset({"body"})
    scope_names: ClassVar[Mapping[str, frozenset[str]]] = {"body": frozenset({"item", "index"})}
    example: ClassVar[Mapping[str, Any]] = {
        "id": "each",
        "type": "map",
        "with": {"items": "{{ inputs.names }}", "concurrency": 10},
        "body": {
            "nodes": [{"id": "greeting", "type": "transform", "with": {"value": "Hi {{ item }}!"}}],
            "outputs": "{{ nodes.greeting.output }}",
        },
    }


class LoopConfig(Input):
    while_: Annotated[
        Expression | None,
        Field(
            alias="while",
            description="CEL over `index` and `last`, before each turn: false ends it.",
            json_schema_extra=marked(CEL, *_TURN),
        ),
    ] = None
    until: Annotated[
        Expression | None,
        Field(
            description="CEL over `index` and `last`, after each turn: true ends it.",
            json_schema_extra=marked(CEL, *_TURN),
        ),
    ] = None
    max: Annotated[WholeNumber, Field(ge=1, le=MOST_TURNS, description="Turns at most.")] = 100
    init: Annotated[Any, Field(description="What `last` is in the first turn.")] = None


class Loop(ContainerNode[LoopConfig]):
    """Its `body` runs turn after turn, seeing `index` and `last`; output: `{last, count}`."""

    name = "loop"
    title = "Loop"
    config = LoopConfig
    scopes = frozenset({"body"})
    scope_names: ClassVar[Mapping[str, frozenset[str]]] = {"body": frozenset(_TURN)}
    example: ClassVar[Mapping[str, Any]] = {
        "id": "doubling",
        "type": "loop",
        "with": {"init": 1, "until": "last >= 100", "max": 20},
        "body": {
            "nodes": [{"id": "twice", "type": "transform", "with": {"value": "{{ last * 2 }}"}}],
            "outputs": "{{ nodes.twice.output }}",
        },
    }


class TryConfig(Input):
    """It has no settings."""


class Try(ContainerNode[TryConfig]):
    """Where its `body` fails, what that did is undone (`compensate`) and `catch` sees `error`.

    `finally` runs in any case. The output is the body's, or what `catch` gives. `timeout` is the
    body's: when it is over, that is a failure to be caught.
    """

    name = "try"
    title = "Try"
    config = TryConfig
    scopes = frozenset({"body", "catch", "finally"})
    scope_names: ClassVar[Mapping[str, frozenset[str]]] = {
        "catch": frozenset({"error"}),
        "finally": frozenset({"error"}),
    }
    example: ClassVar[Mapping[str, Any]] = {
        "id": "careful",
        "type": "try",
        "body": {
            "nodes": [
                {"id": "parsed", "type": "transform", "with": {"value": "{{ int(inputs.text) }}"}}
            ]
        },
        "catch": {
            "nodes": [{"id": "why", "type": "transform", "with": {"value": "{{ error.message }}"}}]
        },
    }
