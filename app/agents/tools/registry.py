"""All tools of a process, by where they come from."""

from collections.abc import Mapping, Sequence

from app.agents.tools.errors import ToolUnknown
from app.agents.tools.tool import Listed, Tool, ToolSource, Wanted
from app.core.auth import Access


class ToolRegistry:
    """Opens what definitions name; `sources` are in the order in which catalogues show them."""

    def __init__(self, sources: Sequence[ToolSource]) -> None:
        self._sources: Mapping[str, ToolSource] = {source.kind: source for source in sources}

    async def open(self, access: Access, wanted: Wanted) -> list[Tool]:
        """The tools of one reference; raises ToolUnknown and ToolUnfit."""
        source = self._sources.get(wanted.source)
        if source is None:
            known = ", ".join(sorted(self._sources))
            raise ToolUnknown(f"`{wanted.reference}`: tools come from {known}.")
        return await source.open(access, wanted)

    async def listed(self, access: Access) -> list[Listed]:
        return [each for source in self._sources.values() for each in await source.listed(access)]
