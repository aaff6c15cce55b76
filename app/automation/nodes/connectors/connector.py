"""What a connector is: a few operations that read rows, page by page, check or write them.

A source gives `{rows, cursor, more, rejects}`: `cursor` is what the next call goes on from, today
or tomorrow, and `more` whether there is more now. A sink gives `{written, rejects}` and what it
made. A row that cannot be read or written is a reject, and no reason to stop.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Generic, Literal, TypeVar

from app.automation.nodes.node_type import StepContext
from app.core.auth import Access
from app.core.errors import FieldError
from app.core.schema import Input

Options = TypeVar("Options", bound=Input)
MOST_ROWS: Final = 1000
# Of a page of rows, about: with more, the next one begins sooner.
MOST_BYTES: Final = 4 * 1024 * 1024
MOST_REJECTS: Final = 100
_SHOWN: Final = 500


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that was left out; `index` counts from 0 within the call."""

    index: int
    code: str
    message: str
    row: Any = None

    def told(self) -> dict[str, Any]:
        shown = self.row if len(repr(self.row)) <= _SHOWN else repr(self.row)[:_SHOWN]
        return {
            "index": self.index,
            "code": self.code,
            "message": self.message[:_SHOWN],
            "row": shown,
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
    """The first hundred, and how many there are."""
    return {
        "rejects": [each.told() for each in rejects[:MOST_REJECTS]],
        "rejected": len(rejects),
    }


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
