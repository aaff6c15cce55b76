"""The payer of the gate's tests."""

from tests.inference.gate.conftest import payer

__all__ = ["payer"]
