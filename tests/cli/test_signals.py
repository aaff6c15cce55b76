"""What ends a command, and what does not."""

import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

PROGRAM = """
import sys, time
from app.cli.signals import Stopped, stop_on_signals
stop_on_signals()
try:
    print("begun", flush=True)
    time.sleep({seconds})
except Stopped:
    print("stopped")
"""


def told_after(number: signal.Signals, seconds: float, ahead: list[str]) -> str:
    command = [*ahead, sys.executable, "-c", PROGRAM.format(seconds=seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        process.send_signal(number)
        said, _ = process.communicate(timeout=20)
        assert process.returncode == 0
    return said


@pytest.fixture
def at_a_terminal() -> Iterator[None]:
    """What starts the tests may itself be deaf to its terminal's end, and its children with it."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("at_a_terminal")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_closed_terminal_is_a_stop_like_any_other(number: signal.Signals) -> None:
    assert told_after(number, 20, []) == "stopped\n"


def test_nohup_outlasts_the_terminal() -> None:
    assert told_after(signal.SIGHUP, 0.5, ["nohup"]) == ""
