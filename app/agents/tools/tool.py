"""One protocol for everything an agent can call."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol
from uuid import UUID

from app.core.auth import Access, Permission

Effects = Literal["none", "read", "write", "external"]
"""What a call does beside its answer: nothing; looks something up; changes what the workspace
keeps; or acts on the world outside, or could tell it something."""

MOST_OUTPUT_CHARACTERS = 200_000


class ToolFault(Exception):
    """What went wrong with a call, in words that the model can react to. It is a value, not an end.

    `code` is for programs (`timeout`, `not_found` …); the message says no secret. `passing`: the
    other end may answer later.
    """

    def __init__(self, code: str, message: str, *, passing: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.passing = passing


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call gave: `text` is what the model reads, `data` the same for programs (JSON).

    Of a retrieval, `sources` are its passages as `source.added` events tell them.
    """

    text: str
    data: Any = None
    sources: tuple[Mapping[str, Any], ...] = ()


def numbering() -> Callable[[UUID], int]:
    """Numbers from 1 on, the same for the same passage."""
    numbers: dict[UUID, int] = {}
    return lambda passage_id: numbers.setdefault(passage_id, len(numbers) + 1)


def _never_seen(_: str) -> bool:
    return False


def _tell_nobody(_: Mapping[str, Any]) -> None:
    pass


@dataclass(frozen=True, slots=True)
class ToolContext:
    """On whose behalf a tool is called, and for which call of which run.

    `access` has the rights of whoever started the run: a tool may do nothing that they may not.
    `key` is the same in every attempt at the call: what a tool sends as `Idempotency-Key`. `seen`
    says whether a text (an address, say) stood word for word in what the user or the agent's
    author wrote, or in an earlier result: a request to such an address carries nothing that
    the model made up. `tell` writes progress to the run's log. `cite` gives the number under which
    a passage may be cited: one, over all calls of the agent in its run. In a `trial` (a case of an
    evaluation) nothing is to be remembered for later.
    """

    access: Access
    run_id: UUID
    call_id: str
    key: str
    agent_id: UUID | None = None
    conversation_id: UUID | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    seen: Callable[[str], bool] = _never_seen
    tell: Callable[[Mapping[str, Any]], None] = _tell_nobody
    cite: Callable[[UUID], int] = field(default_factory=numbering)
    trial: bool = False


@dataclass(frozen=True, slots=True)
class ToolTraits:
    """What the runtime goes by.

    A call that was begun and not ended when its process died is made again only where it is
    `idempotent`. `seconds` and `characters` bound it; `scopes` are the permissions that whoever
    runs the agent must have. `approval` says when a person must agree, where the agent's own
    definition does not: never, always, or `unseen_url` (where an address among the arguments was
    not `seen`). Where a tool `echoes`, its answer can be made of what it was told (a query, say, or
    another model's words): addresses in it do not count as seen.
    """

    effects: Effects
    idempotent: bool = False
    seconds: float = 30.0
    characters: int = 20_000
    scopes: frozenset[Permission] = frozenset()
    approval: Literal["never", "always", "unseen_url"] = "never"
    echoes: bool = False


class Tool(Protocol):
    """A tool, ready to be called; `name` is what the model calls it by: `[a-zA-Z0-9_-]{1,64}`.

    `parameters` is the JSON Schema (2020-12) of an object; the runtime checks arguments by it, then
    the approval, before `call`, which raises ToolFault. Cancelled when its time is up.
    """

    @property
    def name(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def parameters(self) -> Mapping[str, Any]: ...
    @property
    def traits(self) -> ToolTraits: ...

    async def call(self, ctx: ToolContext, arguments: Mapping[str, Any]) -> Outcome: ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """A tool as a definition names it: `<source>:<rest>`, or the plain name of a built-in one.

    `config` is what the agent's author sets for it, checked by the source.
    """

    reference: str
    config: Mapping[str, Any] = field(default_factory=dict)

    @property
    def source(self) -> str:
        return self.reference.partition(":")[0] if ":" in self.reference else "builtin"

    @property
    def rest(self) -> str:
        return self.reference.partition(":")[2] or self.reference


@dataclass(frozen=True, slots=True)
class Listed:
    """A tool as the catalogue shows it; `config` is the JSON Schema of what a definition may set.

    `ready` is false where something is missing (a key, a server, isolation), and `missing` says it.
    """

    reference: str
    name: str
    description: str
    parameters: Mapping[str, Any]
    traits: ToolTraits
    config: Mapping[str, Any] = field(
        default_factory=lambda: {"type": "object", "maxProperties": 0}
    )
    ready: bool = True
    missing: str | None = None


class ToolSource(Protocol):
    """Where tools come from: `builtin`, `custom`, `mcp` …; `kind` is their references' prefix."""

    @property
    def kind(self) -> str: ...

    async def open(self, access: Access, wanted: Wanted) -> list[Tool]:
        """The tools a reference stands for (`mcp:wiki/*` for many).

        Raises ToolUnknown where there is none, and ToolUnfit where it cannot be used as it is.
        """
        ...

    async def listed(self, access: Access) -> list[Listed]:
        """What the workspace has of this source."""
        ...
