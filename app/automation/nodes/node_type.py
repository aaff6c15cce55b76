"""What a node type is, and what the engine and a step have to do with each other.

A type is one of four kinds, by what it derives from: `PureNode` (computed anew each time, nothing
kept), `TaskNode` (one attempt is one kept step), `WaitingNode` (lets go until something comes), and
`ContainerNode` (the engine walks the scopes within).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar, Generic, Literal, TypeVar
from uuid import UUID

from app.automation.language.faults import StepFault
from app.automation.language.flow import OUT
from app.core.auth import Access
from app.core.errors import FieldError
from app.core.schema import Input

__all__ = [
    "Awaited",
    "Config",
    "ContainerNode",
    "Evaluate",
    "Given",
    "NodeType",
    "PureNode",
    "StepContext",
    "StepFault",
    "TaskNode",
    "WaitingNode",
]

Config = TypeVar("Config", bound=Input)
Evaluate = Callable[[str, Mapping[str, Any]], Any]


@dataclass(frozen=True, slots=True)
class Given:
    """What a step gave: any JSON, and by which port it leaves."""

    output: Any
    port: str = OUT
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: Decimal | None = Decimal(0)


@dataclass(frozen=True, slots=True)
class StepContext:
    """Who does what for whom.

    `access` has the rights of whoever started the run (or owns the trigger), as far as they had
    them still when this process took it up.
    `key` is the same in every attempt of every process at this step of this run: what it sends as
    `Idempotency-Key`. `log` adds a line to the step's own log (bounded), `text` streams what a
    model says into the run's. `budget_usd` is what the run may still cost; `run_cap` what the
    calls of models that are its own may come to in all, those before this step among them.
    `workflow_id` is None in a rehearsal.
    """

    access: Access
    run_id: UUID
    workflow: str
    path: str
    attempt: int
    key: str
    log: Callable[[str], None]
    text: Callable[[str], None]
    budget_usd: Decimal | None = None
    depth: int = 0
    run_cap: Decimal | None = None
    workflow_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Awaited:
    """What a step waits for.

    `kind` is `time`, `approval`, `event` or `run`; `until` is when it stops waiting (by the port
    `timeout`, or, of `time`, by `out`). `subject` is the event's type, or the run's id. `shown` is
    what people are shown of an approval; `match` a CEL expression over `event`.
    """

    kind: Literal["time", "approval", "event", "run"]
    until: datetime | None = None
    subject: str | None = None
    match: str | None = None
    shown: Mapping[str, Any] = field(default_factory=dict)


class NodeType(ABC, Generic[Config]):
    """One class a type; `example` is a node of it as a definition has it."""

    name: ClassVar[str]
    version: ClassVar[int] = 1
    title: ClassVar[str]
    config: ClassVar[type[Input]]
    example: ClassVar[Mapping[str, Any]]
    # What it gives in a dry run, where its node has no mock.
    sample: ClassVar[Any] = None
    kind: ClassVar[Literal["pure", "task", "waiting", "container"]]
    # The fields of the node that hold its scopes: of containers alone.
    scopes: ClassVar[frozenset[str]] = frozenset()
    # What expressions in them see besides.
    scope_names: ClassVar[Mapping[str, frozenset[str]]] = {}
    # By which ports it may leave beside `error` and `timeout`; None: `ports_of` says.
    ports: ClassVar[frozenset[str]] = frozenset({OUT})

    def ports_of(self, settings: Mapping[str, Any]) -> frozenset[str]:
        """The ports of a node with these settings, as they stand in its definition."""
        del settings
        return self.ports

    async def missing(self, access: Access) -> str | None:
        """What it lacks to be used in this workspace, as a sentence; None where it is ready."""
        del access
        return None

    async def mistakes(self, access: Access, settings: Mapping[str, Any]) -> Sequence[FieldError]:
        """What is wrong with settings of the right form, as far as their author could know.

        Pointers begin below `with` (`/tool`); `access` is the author's. A setting that is still a
        template is passed over.
        """
        del access, settings
        return ()

    async def mistakes_of(
        self, access: Access, settings: Sequence[Mapping[str, Any]]
    ) -> Sequence[Sequence[FieldError]]:
        """The same of all the nodes of a definition that are of this type, in their order."""
        return [await self.mistakes(access, each) for each in settings]


class PureNode(NodeType[Config]):
    """Computes from what it is given alone: no clock, no chance, no world outside.

    It leaves `config` as it is: where nothing in it is computed, all runs are given the same one.
    """

    kind = "pure"

    @abstractmethod
    def compute(self, config: Config, evaluate: Callable[[str], Any]) -> Given:
        """`evaluate` is CEL over what the node sees. Raises StepFault."""


class TaskNode(NodeType[Config]):
    """Does something; an attempt at it is kept as one step, and never done again once kept.

    `idempotent` says that it may be done twice where a process died in between: everything that
    acts on the world outside sends `ctx.key`, so that its other end can tell. What is `at_home` has
    to do with this service's own stores, and comes to the same where it is done twice: it is tried
    again while Postgres is away.
    """

    kind = "task"
    idempotent: ClassVar[bool] = True
    at_home: ClassVar[bool] = False
    seconds: ClassVar[float] = 60.0

    @abstractmethod
    async def perform(self, ctx: StepContext, config: Config) -> Given:
        """Raises StepFault, or an AppError; cancelled when its time is up or its run ends."""

    def target(self, config: Config) -> str | None:
        """With what outside the step has to do (a host, a model): whose breaker is its usual one.

        None: with nothing that steps of other nodes have to do with.
        """
        del config
        return None

    def is_at_home(self, config: Config) -> bool:
        del config
        return self.at_home

    async def is_repeatable(self, ctx: StepContext, config: Config) -> bool:
        """Whether an attempt that a dead process may have made can be made once more."""
        del ctx, config
        return self.idempotent


class WaitingNode(NodeType[Config]):
    """Waits for a person, a moment, an event or another run, and holds nothing meanwhile."""

    kind = "waiting"

    @abstractmethod
    async def begin(self, ctx: StepContext, config: Config) -> Awaited | Given:
        """What to wait for; Given where there is nothing to wait for. Bears being called again."""

    @abstractmethod
    def finish(self, config: Config, brought: Mapping[str, Any] | None) -> Given:
        """What came of it; None where the time is over. Raises StepFault."""


class ContainerNode(NodeType[Config]):
    """Holds scopes that the engine walks; `scopes` names the fields of the node that hold them."""

    kind = "container"
