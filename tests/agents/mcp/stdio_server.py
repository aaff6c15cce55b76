"""An MCP server of the official SDK, spoken to through its input and output."""

import os
import sys

from mcp.server.mcpserver import MCPServer

server = MCPServer("by-stdio")


@server.tool()
def shown_environment(name: str) -> str:
    """Show a variable of its environment."""
    return os.environ.get(name, "(not there)")


@server.tool()
def die() -> str:
    """End the process in mid-call."""
    os._exit(3)


@server.tool()
def noise() -> str:
    """Write what is no message."""
    sys.stdout.write("this is no JSON\n")
    sys.stdout.flush()
    return "after the noise"


if __name__ == "__main__":
    server.run()
