"""`/mcp`: a workspace's agents, tools and dictionaries for MCP clients of others."""
