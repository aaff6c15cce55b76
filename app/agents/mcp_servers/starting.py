"""Which processes may be started as MCP servers: those that the operator lists, whole words."""

import shlex
from collections.abc import Sequence

from app.agents.mcp_servers.errors import McpCommandNotAllowed


def expect_allowed(allowed: Sequence[str], command: str, args: Sequence[str]) -> None:
    """Raise McpCommandNotAllowed unless the command line begins with one that is listed.

    `uvx mcp-server-time` allows that server with any further arguments, and nothing else of uvx.
    """
    asked = [command, *args]
    for line in allowed:
        words = shlex.split(line)
        if words and asked[: len(words)] == words:
            return
    raise McpCommandNotAllowed(
        "Processes are started only where the operator lists their command in "
        "LUMINOUS_MCP_STDIO_COMMANDS."
    )
