"""The web's tools, opened for one process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from app.agents.credentials.finding import Credentials
from app.agents.tools.web.client import ToolClient
from app.agents.tools.web.fetching import FetchPage
from app.agents.tools.web.requesting import HttpRequest
from app.agents.tools.web.search import WebSearch
from app.core.config import Settings
from app.core.outbound import Outbound
from app.knowledge.parsing.parse import Parsers


@dataclass(frozen=True, slots=True)
class Web:
    """`tools` are the built-in ones, `client` the way out that all tools share."""

    client: ToolClient
    tools: tuple[WebSearch, FetchPage, HttpRequest]


@asynccontextmanager
async def open_web(settings: Settings, credentials: Credentials) -> AsyncIterator[Web]:
    """What it holds is closed with it."""
    # Not the process's own: tools may be slow, and must not take its connections.
    outbound, parsers = Outbound(settings.outbound_allow), Parsers(1)
    client = ToolClient(outbound)
    try:
        tools = (
            WebSearch(client, credentials),
            FetchPage(client, parsers),
            HttpRequest(client, credentials),
        )
        yield Web(client, tools)
    finally:
        await parsers.close()
        await outbound.close()
