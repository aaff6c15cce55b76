"""The endpoint of a process, put together."""

from app.agents.mcp_endpoint.calls import Calls
from app.agents.mcp_endpoint.catalogue import Catalogue
from app.agents.mcp_endpoint.endpoint import McpEndpoint
from app.agents.mcp_endpoint.knowledge_tools import knowledge_tools
from app.agents.mcp_endpoint.running import LaunchedAgents
from app.agents.mcp_endpoint.serving import Served
from app.agents.runtime.launching import Launcher
from app.agents.tools.registry import ToolRegistry
from app.core.kernel import Kernel
from app.knowledge.knowledge import Knowledge


def open_endpoint(
    kernel: Kernel, knowledge: Knowledge, tools: ToolRegistry, launcher: Launcher
) -> McpEndpoint:
    agents = LaunchedAgents(kernel.database, kernel.cursors, launcher)
    own = knowledge_tools(kernel.database, kernel.cursors, knowledge)
    catalogue = Catalogue(own, tools, agents)
    served = Served(kernel.database, kernel.cursors, catalogue, Calls(kernel.valkey))
    return McpEndpoint(kernel, served, agents)
