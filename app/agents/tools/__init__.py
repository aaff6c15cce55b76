"""What an agent may use: one protocol for every tool, and where tools come from."""
