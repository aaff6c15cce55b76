"""Ctrl-C and SIGTERM unwind the stack, so that whatever was started is stopped on the way out."""

import signal
from types import FrameType


class Stopped(BaseException):
    """The operator asked us to end, with Ctrl-C or SIGTERM."""


def stop_on_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise Stopped
