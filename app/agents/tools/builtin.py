"""The tools that come with the service, and the source that opens them by their plain names."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from app.agents.tools.errors import ToolUnfit, ToolUnknown
from app.agents.tools.tool import Listed, Tool, ToolTraits, Wanted
from app.core.auth import Access
from app.core.json_schemas import validator_of

NO_CONFIG: Mapping[str, Any] = {"type": "object", "maxProperties": 0}


class Builtin(Protocol):
    """A tool of ours; `parameters` are what the model may send, `config` what an author may set.

    Both are JSON Schemas (2020-12) of objects. What is shown here holds for an empty config;
    the tool that `open` gives may say it more narrowly.
    """

    @property
    def name(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def parameters(self) -> Mapping[str, Any]: ...
    @property
    def traits(self) -> ToolTraits: ...
    @property
    def config(self) -> Mapping[str, Any]: ...

    async def open(self, access: Access, config: Mapping[str, Any], /) -> Tool:
        """The tool as this config has it, which satisfies the schema; raises ToolUnfit."""
        ...

    async def missing(self, access: Access, /) -> str | None:
        """What it lacks to be used in this workspace, as a sentence; None where it is ready."""
        ...


class BuiltinSource:
    """The source `builtin`: references are the tools' plain names."""

    kind = "builtin"

    def __init__(self, tools: Sequence[Builtin]) -> None:
        self._tools = {tool.name: tool for tool in tools}

    async def open(self, access: Access, wanted: Wanted) -> list[Tool]:
        """Raises ToolUnknown and ToolUnfit."""
        tool = self._tools.get(wanted.rest)
        if tool is None:
            known = ", ".join(sorted(self._tools))
            raise ToolUnknown(f"`{wanted.reference}`: the built-in tools are {known}.")
        if said := _misfit(tool.config, wanted.config):
            raise ToolUnfit(f"The config of `{tool.name}` does not fit: {said}.")
        return [await tool.open(access, wanted.config)]

    async def listed(self, access: Access) -> list[Listed]:
        return [await _listed(tool, access) for tool in self._tools.values()]


async def _listed(tool: Builtin, access: Access) -> Listed:
    missing = await tool.missing(access)
    return Listed(
        tool.name,
        tool.name,
        tool.description,
        tool.parameters,
        tool.traits,
        tool.config,
        ready=missing is None,
        missing=missing,
    )


def _misfit(schema: Mapping[str, Any], config: Mapping[str, Any]) -> str | None:
    """What is wrong with a config, in a few words; None where it fits."""
    for error in validator_of(schema).iter_errors(dict(config)):
        place = "/".join(str(step) for step in error.instance_path)
        return f"`{place}`: {error.message}" if place else str(error.message)
    return None
