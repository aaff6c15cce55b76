"""What the language has to know of the node types that definitions use."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal, Protocol

from app.core.schema import Input


class KnownType(Protocol):
    """A node type, as `app.automation.nodes.node_type` has it."""

    name: ClassVar[str]
    version: ClassVar[int]
    title: ClassVar[str]
    config: ClassVar[type[Input]]
    example: ClassVar[Mapping[str, Any]]
    kind: ClassVar[Literal["pure", "task", "waiting", "container"]]
    scopes: ClassVar[frozenset[str]]
    scope_names: ClassVar[Mapping[str, frozenset[str]]]

    def ports_of(self, settings: Mapping[str, Any]) -> frozenset[str]: ...


class KnownTypes(Protocol):
    """The registry of them."""

    def __iter__(self) -> Iterator[KnownType]: ...
    def find(self, name: str, version: int = 1) -> KnownType | None: ...
    def versions(self, name: str) -> list[int]: ...
