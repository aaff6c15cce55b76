"""Agents at the running service, with a scripted provider."""

from tests.agents.runtime.conftest import agency, bench, fake

__all__ = ["agency", "bench", "fake"]
