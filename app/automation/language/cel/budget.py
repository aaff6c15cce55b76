"""What one evaluation of an expression may take."""

import time
from typing import Any, Final

from app.automation.language.cel.values import weight

MOST_TURNS: Final = 50_000
MOST_SECONDS: Final = 1.0
MOST_WEIGHT: Final = 8 * 1024 * 1024
# Types whose values are too small to be weighed.
LIGHT: Final = frozenset({int, float, bool, type(None)})


class TooMuch(Exception):
    """An expression takes more than it may; the message says of what."""


class Budget:
    """Of one evaluation, with so many turns of its loops."""

    def __init__(self, turns: int = MOST_TURNS) -> None:
        self._most = self._turns = turns
        self._weight = MOST_WEIGHT
        self._end = 0.0

    def turn(self) -> None:
        self._turns -= 1
        if not self._end:
            self._end = time.thread_time() + MOST_SECONDS
        if self._turns < 0:
            raise TooMuch(f"its loops turn more than {self._most} times")
        if time.thread_time() > self._end:
            raise TooMuch("it takes too long")

    def keep(self, value: Any) -> None:
        self._weight -= 1 if type(value) in LIGHT else weight(value)
        if self._weight < 0:
            raise TooMuch("what its loops give is too large")
