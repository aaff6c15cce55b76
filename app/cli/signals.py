"""What asks us to end unwinds the stack, so that whatever was started is stopped on the way out."""

import signal
from types import FrameType


class Stopped(BaseException):
    """The operator asked us to end: with Ctrl-C, SIGTERM, or by closing the terminal."""


def stop_on_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # `nohup` has it ignored
        signal.signal(signal.SIGHUP, _hang_up)


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise Stopped


def _hang_up(_number: int, _frame: FrameType | None) -> None:
    signal.raise_signal(signal.SIGTERM)  # for which the server has a handler of its own
