"""What a workflow is, as data: the document that its versions keep. Never code."""

import re
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from app.core.schema import DecimalText, Input, Number, Text, WholeNumber

DSL: Final = "flow/1"
MOST_NODES: Final = 500
MOST_EDGES: Final = 2000
MOST_DEPTH: Final = 8
OUT: Final = "out"
ERROR: Final = "error"
TIMEOUT: Final = "timeout"

_DURATION = re.compile(r"^(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?$")
_LONGEST_SECONDS = 366 * 86_400


def seconds_of(duration: str) -> float:
    """The seconds of `90s`, `1h30m` or `2d`; raises ValueError for anything else."""
    found = _DURATION.match(duration)
    if not duration or found is None:
        raise ValueError("must be a duration such as 90s, 1h30m or 2d")
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    total = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    if total > _LONGEST_SECONDS:
        raise ValueError("must be at most 366 days")
    return total


def _written(value: object) -> object:
    if isinstance(value, int | float) and not isinstance(value, bool):
        said = f'must be a text with its unit, such as "{value:g}s" or "5m"'
        raise ValueError(said)  # noqa: TRY004 - the one that Pydantic takes for a mistake
    return value


def _checked_duration(value: str) -> str:
    seconds_of(value)
    return value


NodeId = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$",
        description="Unique in the whole definition: expressions call it `nodes.<id>`.",
    ),
]
Port = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_-]{0,63}$")]
Duration = Annotated[
    Text,
    Field(
        min_length=2,
        max_length=32,
        description="`90s`, `1h30m`, `2d`; at most 366 days.",
        json_schema_extra={"pattern": _DURATION.pattern},
    ),
    AfterValidator(_checked_duration),
    BeforeValidator(_written),
]
Expression = Annotated[
    Text, Field(min_length=1, max_length=2000, description="CEL, without braces.")
]
Template = Annotated[
    Any,
    Field(
        description="Any JSON. A string that is one `{{ CEL }}` is its value; within other text, "
        "each `{{ CEL }}` is written as text."
    ),
]
Schema = Annotated[dict[str, Any], Field(max_length=64, description="A JSON Schema (2020-12).")]


class Retry(Input):
    """Further attempts after one that failed; the waits between them outlive the process."""

    max: Annotated[WholeNumber, Field(ge=1, le=50, description="Attempts after the first.")] = 3
    delay: Duration = "1s"
    backoff: Annotated[Number, Field(ge=1, le=10, description="Each delay over the last.")] = 2.0
    max_delay: Duration = "1h"
    jitter: Annotated[Number, Field(ge=0, le=1, description="Part of a delay that varies.")] = 0.1
    when: Annotated[
        Expression | None,
        Field(description="Over `error`; without it, errors that call themselves retryable."),
    ] = None


class Cache(Input):
    """What the step gave for the same key is taken again instead of doing it."""

    ttl: Duration
    key: Annotated[Template, Field(description="By default: what the step is given.")] = None


class Breaker(Input):
    """After `failures` in a row, steps of this key fail at once until `cooldown` is over.

    Timeouts, refused connections, 5xx and 429 count; other 4xx do not.
    """

    key: Annotated[
        Text | None,
        Field(
            min_length=1,
            max_length=200,
            description="Shared in the workspace. By default: the node type with the service, the "
            "model or the tool that the step calls.",
        ),
    ] = None
    failures: Annotated[WholeNumber, Field(ge=1, le=1000)] = 5
    cooldown: Duration = "30s"


class Mock(Input):
    """What the node gives in a dry run."""

    output: Any = None
    port: Port | None = None
    error: Annotated[Text | None, Field(max_length=2000)] = None


class Compensation(Input):
    """A step that undoes what this node did, once its run (or its `try`) has failed.

    It sees `nodes` as they were, and its own node's output among them.
    """

    type: Annotated[Text, Field(min_length=1, max_length=64)]
    v: Annotated[WholeNumber, Field(ge=1, le=1000)] = 1
    with_: Annotated[dict[str, Any], Field(alias="with", max_length=64)] = Field(
        default_factory=dict
    )
    retry: Retry | None = None
    timeout: Duration | None = None


class Place(Input):
    """Where an editor draws the node."""

    x: Number
    y: Number


class Edge(Input):
    """`to` may begin once `from` has left by `port`, and `when` holds."""

    from_: Annotated[NodeId, Field(alias="from")]
    to: NodeId
    port: Port = OUT
    when: Expression | None = None


class Scope(Input):
    """A graph without cycles. Nodes that no edge leads to begin at once."""

    nodes: Annotated[list["Node"], Field(min_length=1, max_length=MOST_NODES)]
    edges: Annotated[list[Edge], Field(max_length=MOST_EDGES)] = Field(default_factory=list)
    outputs: Annotated[Template, Field(description="What the scope gives.")] = None


class Node(Input):
    """A step. `with` is what its type wants; containers hold further scopes.

    `map` and `loop` have a `body`; `try` a `body` with `catch` and `finally`; `parallel` has
    `branches`, by name.
    """

    id: NodeId
    type: Annotated[Text, Field(min_length=1, max_length=64)]
    v: Annotated[WholeNumber, Field(ge=1, le=1000, description="Version of the node type.")] = 1
    name: Annotated[Text, Field(max_length=200, description="For people.")] = ""
    with_: Annotated[dict[str, Any], Field(alias="with", max_length=64)] = Field(
        default_factory=dict
    )
    body: Scope | None = None
    catch: Scope | None = None
    finally_: Annotated[Scope | None, Field(alias="finally")] = None
    branches: Annotated[dict[Port, Scope] | None, Field(min_length=1, max_length=50)] = None
    retry: Retry | None = None
    timeout: Annotated[Duration | None, Field(description="Of one attempt.")] = None
    cache: Cache | None = None
    breaker: Breaker | None = None
    join: Annotated[
        Literal["all", "any"],
        Field(description="Begin when every edge is decided and one is open, or at the first."),
    ] = "all"
    on_error: Annotated[
        Literal["fail", "continue"],
        Field(description="`continue` leaves by `out` with a null output; an `error` edge wins."),
    ] = "fail"
    compensate: Compensation | None = None
    mock: Mock | None = None
    ui: Place | None = None


class Concurrency(Input):
    """How many runs of one key may be under way; the others wait, or are refused or replaced."""

    key: Annotated[Template, Field(description="By default: the workflow.")] = None
    limit: Annotated[WholeNumber, Field(ge=1, le=10_000)]
    otherwise: Literal["queue", "refuse", "cancel_oldest"] = "queue"


class Rate(Input):
    """How many runs of one key may begin in a period; the others wait."""

    key: Annotated[Template, Field(description="By default: the workflow.")] = None
    limit: Annotated[WholeNumber, Field(ge=1, le=100_000)]
    per: Duration


class Settings(Input):
    """What holds for a whole run."""

    timeout: Annotated[Duration | None, Field(description="From its start to its end.")] = None
    budget_usd: Annotated[
        Decimal | None,
        Field(gt=0, le=1_000_000, description="Reached, the run pauses; it can be resumed."),
        DecimalText(),
    ] = None
    max_steps: Annotated[WholeNumber, Field(ge=1, le=100_000)] = 10_000
    concurrency: Concurrency | None = None
    rate: Rate | None = None
    priority: Annotated[
        WholeNumber, Field(ge=0, le=9, description="Of the runs that wait, higher ones go first.")
    ] = 5


class Flow(Scope):
    """A whole definition."""

    dsl: Annotated[Literal["flow/1"], Field(description="The language and its version.")]
    inputs: Annotated[Schema | None, Field(description="Of what a run is started with.")] = None
    output_schema: Annotated[Schema | None, Field(description="Of what a run gives.")] = None
    vars: Annotated[
        dict[str, Any], Field(max_length=64, description="Constants; expressions: `vars.<name>`.")
    ] = Field(default_factory=dict)
    settings: Settings = Field(default_factory=Settings)
