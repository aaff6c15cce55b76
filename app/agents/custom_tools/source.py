"""A workspace's own tools as a source: `custom:<slug>`."""

from app.agents.credentials.finding import Credentials
from app.agents.custom_tools import crud
from app.agents.custom_tools.models import CustomTool
from app.agents.custom_tools.tool import HttpTool, tool_of, use_of
from app.agents.tools.errors import ToolUnfit, ToolUnknown
from app.agents.tools.tool import Listed, Tool, Wanted
from app.agents.tools.web.client import ToolClient
from app.core.auth import Access
from app.core.db import Database


class CustomSource:
    """The source `custom`; `client` is the tools' way out."""

    kind = "custom"

    def __init__(self, database: Database, client: ToolClient, credentials: Credentials) -> None:
        self._database = database
        self.client = client
        self._credentials = credentials

    def ready(self, row: CustomTool) -> HttpTool:
        """The tool that a row describes."""
        return tool_of(row, self.client, self._credentials)

    async def open(self, access: Access, wanted: Wanted) -> list[Tool]:
        """Raises ToolUnknown and ToolUnfit."""
        async with self._database.unit(access.scope) as session:
            row = await crud.by_slug(session, access.workspace_id, wanted.rest)
        if row is None:
            raise ToolUnknown(f"There is no tool of your own with the slug {wanted.rest!r}.")
        if not row.enabled:
            raise ToolUnfit(f"`{wanted.reference}` is switched off.")
        if wanted.config:
            raise ToolUnfit(f"`{wanted.reference}` takes no config: it is set on the tool itself.")
        tool = self.ready(row)
        if (use := use_of(tool.request)) is not None:
            await use.expect(self._credentials, access)
        return [tool]

    async def listed(self, access: Access) -> list[Listed]:
        async with self._database.unit(access.scope) as session:
            rows = await crud.all_of(session, access.workspace_id)
        ready = await self._credentials.ready(access)
        return [self._listed(row, ready) for row in rows]

    def _listed(self, row: CustomTool, ready: frozenset[str]) -> Listed:
        tool = self.ready(row)
        missing = None if row.enabled else "It is switched off."
        use = use_of(tool.request)
        if missing is None and use and use.name not in ready:
            missing = f"There is no credential {use.name!r} with its secret."
        return Listed(
            f"custom:{row.slug}",
            row.slug,
            row.description,
            row.parameters,
            tool.traits,
            ready=missing is None,
            missing=missing,
        )
