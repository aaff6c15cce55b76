"""Secrets that tools, databases and MCP servers are reached with: sealed, bound to hosts."""
