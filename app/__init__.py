"""Luminous: an AI orchestration backend. One service in rooms; see docs/architecture.md."""
