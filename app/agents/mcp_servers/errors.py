"""What can be wrong with an MCP server."""

from app.core.errors import Conflict, NotFound, Unprocessable


class McpServerNotFound(NotFound):
    code = "mcp_server_not_found"
    title = "There is no such MCP server"


class McpServerSlugTaken(Conflict):
    code = "mcp_server_slug_taken"
    title = "Another MCP server of this workspace has that slug"


class TooManyMcpServers(Conflict):
    code = "too_many_mcp_servers"
    title = "The workspace has too many MCP servers"


class McpToolChanged(Conflict):
    """The server tells of the tool otherwise than what is to be confirmed."""

    code = "mcp_tool_changed"
    title = "The tool is not what you saw"


class McpCommandNotAllowed(Unprocessable):
    code = "mcp_command_not_allowed"
    title = "The operator does not allow this command"
