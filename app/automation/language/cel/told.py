"""The mistakes that the engine of CEL tells of, as sentences for people who write workflows."""

import re
from typing import Final

from app.automation.language.cel.functions import FUNCTIONS, NATIVE

_LONGEST: Final = 300
_PLACE: Final = re.compile(r"<input>:(\d+):(\d+): (?:Syntax error: )?(.+)")
_UNDEFINED: Final = re.compile(r"Undefined variable or function: '\.?(.*?)'")
_OPERATION: Final = re.compile(r"Unsupported operation: (\S+ \S+ \S+)\.")
_ADVICE: Final = re.compile(r"\.? Check (?:function|that) .*$", re.DOTALL)


def sentence(error: Exception) -> str:
    said = str(error)
    if isinstance(error, KeyError):
        return f"there is no `{error.args[0]}`".replace("'", "")
    if isinstance(error, ZeroDivisionError):
        return "it divides by zero"
    if isinstance(error, TypeError):
        found = _OPERATION.search(said)
        return f"there is no {found[1]}" if found else "an operation does not take such values"
    if place := _PLACE.search(said):
        return f"line {place[1]}, character {place[2]}: {_short(place[3])}"
    if undefined := _UNDEFINED.search(said):
        return _undefined(undefined[1])
    return _short(_ADVICE.sub("", said))


def may_be_lost(error: Exception) -> bool:
    """Whether a name that leads nowhere may be the cause."""
    said = str(error)
    undefined = _UNDEFINED.search(said)
    return isinstance(error, KeyError) or said.startswith("No such overload") or bool(undefined)


def _undefined(name: str) -> str:
    if name in NATIVE or name in FUNCTIONS:
        return f"`{name}(…)` does not take such values"
    return f"there is no `{name}` here"


def _short(said: str) -> str:
    first = said.partition(" expecting {")[0].partition("\n")[0]
    return first if len(first) <= _LONGEST else f"{first[:_LONGEST]}…"
