"""What a connector is: a few operations that read rows, page by page, check or write them.

A source gives `{rows, cursor, more, rejects}`: `cursor` is what the next call goes on from, today
or tomorrow, and `more` whether there is more now. A sink gives `{written, rejects}` and what it
made. A row that cannot be read or written is a reject, and no reason to stop.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Generic, Literal, TypeVar

from app.automation.nodes.node_type import StepContext
from app.core.auth import Access
from app.core.errors import FieldError
from app.core.schema import Input

Options = TypeVar("Options", bound=Input)
MOST_ROWS: Final = 1000
# Of rows that are given to one: a page of a service may have more than was asked for.
MOST_GIVEN: Final = 10_000
# Of a page of rows: with their lineage they fit into what another step can be given (1 MiB).
MOST_BYTES: Final = 768 * 1024
MOST_REJECTS: Final = 1000
# Characters that are shown of a reject's row and of its message; fewer where there are many.
_SHOWN: Final = 500
_FEW_REJECTS: Final = 100
_SHOWN_OF_MANY: Final = 200


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that was left out; `index` counts from 0 within the call."""

    index: int
    code: str
    message: str
    row: Any = None

    def told(self, most: int = _SHOWN) -> dict[str, Any]:
        """`most` characters are shown of the row and of the message."""
        written = repr(self.row)
        return {
            "index": self.index,
            "code": self.code,
            "message": self.message[:most],
            "row": self.row if len(written) <= most else written[:most],
        }


@dataclass(frozen=True, slots=True)
class Rows:
    """A page of rows."""

    rows: Sequence[Any]
    cursor: Any = None
    more: bool = False
    rejects: Sequence[Reject] = field(default_factory=tuple)

    def told(self) -> dict[str, Any]:
        return {
            "rows": list(self.rows),
            "cursor": self.cursor,
            "more": self.more,
            **told_rejects(self.rejects),
        }


def told_rejects(rejects: Sequence[Reject]) -> dict[str, Any]:
    """The first thousand, and how many there are."""
    most = _SHOWN if len(rejects) <= _FEW_REJECTS else _SHOWN_OF_MANY
    return {
        "rejects": [each.told(most) for each in rejects[:MOST_REJECTS]],
        "rejected": len(rejects),
    }


def within_bytes(sizes: Iterable[int]) -> int:
    """How many of the first rows make a page by their sizes in bytes: one at least."""
    count = total = 0
    for size in sizes:
        total += size
        if count and total > MOST_BYTES:
            break
        count += 1
    return count


class Operation(ABC, Generic[Options]):
    """One thing that a connector does; `example` is its `options`."""

    name: ClassVar[str]
    kind: ClassVar[Literal["source", "transform", "sink"]]
    title: ClassVar[str]
    options: ClassVar[type[Input]]
    example: ClassVar[Mapping[str, Any]]

    @abstractmethod
    async def perform(self, ctx: StepContext, options: Options) -> dict[str, Any]:
        """Raises StepFault and AppError."""

    def target(self, options: Mapping[str, Any]) -> str | None:
        """With what outside of the workspace it has to do, as `TaskNode.target` says it."""
        del options
        return None

    async def mistakes(self, access: Access, options: Mapping[str, Any]) -> Sequence[FieldError]:
        """What is wrong with options of the right form; pointers begin below `options`."""
        del access, options
        return ()


@dataclass(frozen=True, slots=True)
class Connector:
    """Operations under one name."""

    name: str
    title: str
    operations: tuple[Operation[Any], ...]

    def operation(self, name: str) -> Operation[Any] | None:
        return next((each for each in self.operations if each.name == name), None)
