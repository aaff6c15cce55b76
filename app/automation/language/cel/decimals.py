"""Numbers that mix: JSON has one kind of them, where CEL has whole ones and others.

An expression that the engine refuses because the two meet is computed once more, with every number
of it a decimal one: its own, those that it reads, and those that its functions give.
"""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from app.automation.language.cel.functions import FunctionUnfit
from app.automation.language.cel.tokens import END, Token, tokens_of

# From here on a decimal number does not tell whole ones apart.
_EXACT: Final = 2.0**53
_WHOLE: Final = re.compile(r"[+-]?[0-9]+")


def decimal_text(text: str) -> str:
    """The same expression with decimal numbers; positions in lists stay whole."""
    tokens = tokens_of(text)
    return "".join(
        _decimal(token, _at(tokens, place - 2), _at(tokens, place - 1), _at(tokens, place + 1))
        for place, token in enumerate(tokens)
    )


def decimal(value: Any) -> Any:
    """The value with decimal numbers alone."""
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, list | tuple):
        return [decimal(each) for each in value]
    if isinstance(value, Mapping):
        return {key: decimal(each) for key, each in value.items()}
    return value


def whole(value: Any) -> Any:
    """The value with whole numbers where they are ones: 6.0 is 6 in JSON too."""
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return int(value)
    if isinstance(value, list | tuple):
        return [whole(each) for each in value]
    if isinstance(value, Mapping):
        return {key: whole(each) for key, each in value.items()}
    return value


def giving_decimals(call: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *given: decimal(call(*given))


def _size(value: Any) -> float:
    return float(len(value))


def _int(value: Any) -> float:
    if isinstance(value, str) and not _WHOLE.fullmatch(value):
        raise FunctionUnfit("`int(…)` wants a whole number")
    return float(math.trunc(float(value)))


_INSTEAD: Final = {"size": "decimalsize", "int": "decimalint"}
INSTEAD: Final[Mapping[str, Callable[..., Any]]] = {"decimalsize": _size, "decimalint": _int}
"""What stands for the engine's own functions that give whole numbers."""
NAMES: Final = {ours: name for name, ours in _INSTEAD.items()}


def _at(tokens: list[Token], place: int) -> Token:
    return tokens[place] if 0 <= place < len(tokens) else END


def _decimal(token: Token, owner: Token, before: Token, after: Token) -> str:
    if token.kind == "number" and token.text.isdigit():
        is_position = before.text == "[" and after.text == "]" and _is_value(owner)
        return token.written if is_position else f"{token.written}.0"
    if token.text in _INSTEAD and after.text == "(":
        return token.lead + _INSTEAD[token.text]
    return token.written


def _is_value(token: Token) -> bool:
    return token.kind == "name" or token.text in (")", "]")
