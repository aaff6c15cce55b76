"""Sandboxes: the usual one, and one whose Python code has everything."""

import pytest

from app.agents.sandbox.limits import MIB, CodeLimits
from app.agents.sandbox.sandbox import Sandbox

# One second of the processor is a test's whole cost where it is burnt.
LIMITS = CodeLimits(seconds=4, cpu_seconds=1, memory_bytes=128 * MIB)
OUTWARD = (
    "ctypes",
    "multiprocessing",
    "multiprocessing.popen_fork",
    "resource",
    "socket",
    "subprocess",
    "threading",
)


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox()


@pytest.fixture
def native() -> Sandbox:
    return Sandbox(modules=OUTWARD)
