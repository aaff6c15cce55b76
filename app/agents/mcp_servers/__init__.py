"""MCP servers of a workspace as a source of tools: connected to, pinned, and called."""
