"""What the tools of this package have in common."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from app.agents.tools.builtin import NO_CONFIG
from app.agents.tools.tool import Outcome, Tool, ToolContext, ToolFault, ToolTraits
from app.core.auth import Access
from app.core.errors import AppError

Config = Mapping[str, Any]
Arguments = Mapping[str, Any]


class LocalTool(ABC):
    """A built-in tool that is always there; what it is depends on no config."""

    name: ClassVar[str]
    description: ClassVar[str]
    parameters: ClassVar[Mapping[str, Any]]
    traits: ClassVar[ToolTraits]
    config: ClassVar[Mapping[str, Any]] = NO_CONFIG

    @abstractmethod
    async def use(self, ctx: ToolContext, arguments: Arguments, config: Config) -> Outcome:
        """Carry a call out; raises ToolFault and AppError."""

    async def open(self, access: Access, config: Config) -> Tool:
        del access
        return _Opened(self, config)

    async def missing(self, access: Access) -> str | None:
        del access
        return None


@dataclass(frozen=True, slots=True)
class _Opened:
    """A tool with the config that an agent's author gave it."""

    of: LocalTool
    settings: Config

    @property
    def name(self) -> str:
        return self.of.name

    @property
    def description(self) -> str:
        return self.of.description

    @property
    def parameters(self) -> Mapping[str, Any]:
        return self.of.parameters

    @property
    def traits(self) -> ToolTraits:
        return self.of.traits

    async def call(self, ctx: ToolContext, arguments: Arguments) -> Outcome:
        """Raises ToolFault."""
        try:
            return await self.of.use(ctx, arguments, self.settings)
        except AppError as error:
            raise ToolFault(error.code, error.detail) from None


def takes(required: tuple[str, ...], **properties: Mapping[str, Any]) -> Mapping[str, Any]:
    """The JSON Schema of an object with these properties and no others."""
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(required),
        "properties": properties,
    }


def clipped(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
