"""The mistakes that the engine of CEL tells of, as sentences for people who write workflows."""

import re
from difflib import get_close_matches
from typing import Final

from app.automation.language.cel.functions import FUNCTIONS, NATIVE
from app.automation.language.cel.tokens import tokens_of

_LONGEST: Final = 300
_PLACE: Final = re.compile(r"<input>:(\d+):(\d+): (?:Syntax error: )?(.+)")
_UNDEFINED: Final = re.compile(r"Undefined variable or function: '\.?(.*?)'")
_OPERATION: Final = re.compile(r"Unsupported operation: (\S+ \S+ \S+)\.")
_READING: Final = re.compile(r"Function '(duration|timestamp|int|uint|double)' error: ")
_READ: Final = {
    "duration": "hours, minutes and seconds, as `36h` or `1h30m`",
    "timestamp": "a moment with its offset, as `2026-11-22T10:00:00Z`",
    "int": "a whole number of 64 bits",
    "uint": "a whole number of 64 bits that is not negative",
    "double": "a number",
}
_LONGEST_NAME: Final = 64
_LOOKED_AT: Final = 200
_OTHERWISE: Final = (
    (re.compile(r"\bif\b.*\belse\b", re.DOTALL), "a choice is `condition ? this : that`"),
    (re.compile(r"\b(?:and|or|not)\b"), "it is `&&`, `||` and `!` here"),
    (re.compile(r"=>|\blambda\b"), "a loop is `list.map(x, …)` or `list.filter(x, …)`"),
    (re.compile(r"[=!]=="), "it is `==` and `!=` here"),
    (re.compile(r"(?<![=!<>])=(?!=)"), "to compare is `==`"),
    (re.compile(r"(?<!\|)\|(?!\|)"), "there are no filters, but functions: `upperAscii()`"),
)
_CALLED: Final = {
    **dict.fromkeys(("count", "len", "length"), "it is `size(…)`"),
    **dict.fromkeys(("lower", "toLowerCase"), "it is `lowerAscii()`"),
    **dict.fromkeys(("toUpperCase", "upper"), "it is `upperAscii()`"),
    **dict.fromkeys(("now", "today"), "there is no clock, but `run.started_at`"),
    **dict.fromkeys(("encodeURIComponent", "urlencode", "url_encode"), "it is `url.encode(…)`"),
    **dict.fromkeys(("str", "toString"), "it is `string(…)`"),
    "float": "it is `double(…)`",
    "range": "it is `lists.range(…)`",
    "includes": "it is `contains(…)`, or `x in list`",
    "strip": "it is `trim()`",
}
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
    return _told(said)


def _told(said: str) -> str:
    if said.startswith("Arithmetic overflow"):
        return "the result is too large"
    if reading := _READING.match(said):
        return f"`{reading[1]}(…)` wants {_READ[reading[1]]}"
    if place := _PLACE.search(said):
        return f"line {place[1]}, character {place[2]}: {_short(place[3])}"
    if undefined := _UNDEFINED.search(said):
        return _undefined(undefined[1])
    return _short(_ADVICE.sub("", said))


def advice(source: str) -> str:
    """What to write in place of another language's words; nothing where none is recognised."""
    tokens = tokens_of(source[:_LOOKED_AT])
    bare = "".join("''" if each.kind == "text" else each.written for each in tokens)
    return next((f"; {said}" for mark, said in _OTHERWISE if mark.search(bare)), "")


def no_function(name: str) -> str:
    """That there is none of this name, and which one may be meant."""
    said = f"there is no function `{name}`"
    if name in _CALLED:
        return f"{said}: {_CALLED[name]}"
    if len(name) > _LONGEST_NAME:
        return said
    found = get_close_matches(name, [*FUNCTIONS, *NATIVE], n=1, cutoff=0.7)
    return f"{said}: did you mean `{found[0]}`?" if found else said


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
