"""calculator: exact arithmetic, and the functions of a pocket calculator, within bounds."""

import ast
import math
import operator
from collections.abc import Callable, Mapping
from decimal import (
    Context,
    Decimal,
    DivisionByZero,
    InvalidOperation,
    Overflow,
    localcontext,
)
from typing import Any, ClassVar, Final

from app.agents.tools.local.local import Arguments, Config, LocalTool, takes
from app.agents.tools.tool import Outcome, ToolContext, ToolFault, ToolTraits

_DIGITS: Final = 50
_LONGEST: Final = 1_000
_DEEPEST: Final = 500
_MOST_EXPONENT: Final = 1_000
# A result has no more digits than this, so that no product of powers runs away.
_MOST_DIGITS: Final = 2_000
_MOST_FACTORIAL: Final = 500

Number = int | Decimal


class _Wrong(Exception):
    """Why an expression has no value; the message is for whoever wrote it."""


def calculate(expression: str) -> Number:
    """The value: whole numbers exactly, others with 50 digits; raises ToolFault."""
    tree = _parsed(expression)
    try:
        with localcontext(Context(prec=_DIGITS, Emax=10_000, Emin=-10_000)) as context:
            context.traps[DivisionByZero] = context.traps[InvalidOperation] = True
            return _value(tree.body, 0)
    except _Wrong as wrong:
        raise ToolFault("cannot_calculate", str(wrong)) from None
    except RecursionError:
        raise ToolFault("cannot_calculate", "It is nested too deeply.") from None
    except (ZeroDivisionError, DivisionByZero):
        raise ToolFault("cannot_calculate", "It divides by zero.") from None
    except (InvalidOperation, Overflow, OverflowError, ValueError):
        raise ToolFault("cannot_calculate", "It has no value within bounds.") from None


def _parsed(expression: str) -> ast.Expression:
    text = expression.strip().replace("^", "**")
    try:
        tree = ast.parse(text, mode="eval")
        _exact(tree, text)
    except (SyntaxError, ValueError, InvalidOperation, RecursionError, MemoryError):
        raise ToolFault("cannot_calculate", "This is no arithmetic expression.") from None
    return tree


def _exact(tree: ast.Expression, text: str) -> None:
    """Have decimals as they are written: 0.1 is a tenth."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            written_so = ast.get_source_segment(text, node) or ""
            vars(node)["value"] = Decimal(written_so.replace("_", ""))


def _value(node: ast.expr, depth: int) -> Number:
    if depth > _DEEPEST:
        raise _Wrong("It is nested too deeply.")
    match node:
        case ast.Constant(value=constant):
            return _read(constant, node)
        case ast.Name(id=name):
            return _named(name)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _value(operand, depth + 1)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, depth + 1)
        case ast.BinOp(left=left, op=sign, right=right):
            return _joined(sign, _value(left, depth + 1), _value(right, depth + 1))
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
            function = _function(name, len(arguments))
            return _bounded(function(*[_value(each, depth + 1) for each in arguments]))
    raise _Wrong(
        f"`{ast.unparse(node)[:60]}` is not arithmetic. There are + - * / // % **, brackets, "
        f"{', '.join(_CONSTANTS)}, and the functions {', '.join(sorted(_FUNCTIONS))}."
    )


def _read(constant: object, node: ast.expr) -> Number:
    if isinstance(constant, Decimal):
        return _bounded(+constant)
    if isinstance(constant, bool) or not isinstance(constant, int):
        raise _Wrong(f"`{ast.unparse(node)[:60]}` is no number.")
    return _bounded(constant)


def _named(name: str) -> Number:
    if name not in _CONSTANTS:
        raise _Wrong(f"`{name}` is unknown; there are {', '.join(_CONSTANTS)}.")
    return _CONSTANTS[name]


def _joined(sign: ast.operator, left: Number, right: Number) -> Number:
    if isinstance(sign, ast.Pow):
        return _power(left, right)
    if isinstance(sign, ast.Div):
        return _divided(left, right)
    act = _OPERATORS.get(type(sign))
    if act is None:
        raise _Wrong("Bits are not calculated with.")
    if isinstance(left, Decimal) or isinstance(right, Decimal):
        return _bounded(act(Decimal(left), Decimal(right)))
    return _bounded(act(left, right))


def _divided(left: Number, right: Number) -> Number:
    """Whole where it comes out even."""
    if isinstance(left, int) and isinstance(right, int) and right and left % right == 0:
        return left // right
    return Decimal(left) / Decimal(right)


def _power(base: Number, exponent: Number) -> Number:
    if not -_MOST_EXPONENT <= exponent <= _MOST_EXPONENT:
        raise _Wrong(f"An exponent is at most {_MOST_EXPONENT}.")
    if isinstance(base, int) and isinstance(exponent, int) and exponent >= 0:
        if base.bit_length() * exponent > _MOST_DIGITS * 4:
            raise _Wrong(f"A number has at most {_MOST_DIGITS} digits here.")
        return _bounded(base**exponent)
    return Decimal(base) ** Decimal(exponent)


def _bounded(value: Any) -> Number:
    number: Number = value
    if isinstance(number, Decimal) and not number.is_finite():
        raise OverflowError
    if isinstance(number, int) and number.bit_length() > _MOST_DIGITS * 10 // 3:
        raise _Wrong(f"A number has at most {_MOST_DIGITS} digits here.")
    return number


def _function(name: str, given: int) -> Callable[..., Any]:
    known = _FUNCTIONS.get(name)
    if known is None:
        raise _Wrong(f"`{name}` is unknown; there are {', '.join(sorted(_FUNCTIONS))}.")
    function, fewest, most = known
    if not fewest <= given <= most:
        raise _Wrong(f"`{name}` takes {fewest}{f' to {most}' if most > fewest else ''} numbers.")
    return function


def _of_floats(function: Callable[..., float]) -> Callable[..., Number]:
    """One of `math`'s: seventeen digits are all it knows."""

    def act(*arguments: Number) -> Number:
        return Decimal(repr(function(*map(float, arguments))))

    return act


def _whole(value: Number, what: str) -> int:
    if value != int(value):
        raise _Wrong(f"{what} takes whole numbers.")
    return int(value)


def _factorial(value: Number) -> int:
    number = _whole(value, "factorial")
    if not 0 <= number <= _MOST_FACTORIAL:
        raise _Wrong(f"factorial goes from 0 to {_MOST_FACTORIAL}.")
    return math.factorial(number)


def _chosen(function: Callable[[int, int], int]) -> Callable[..., int]:
    def act(many: Number, few: Number) -> int:
        n, k = _whole(many, "comb"), _whole(few, "comb")
        if not (0 <= n <= _MOST_FACTORIAL * 2 and k >= 0):
            raise _Wrong(f"The numbers go from 0 to {_MOST_FACTORIAL * 2}.")
        return function(n, k)

    return act


def _rounded(value: Number, places: Number = 0) -> Number:
    """Half away from zero, as people round."""
    digits = _whole(places, "round")
    if abs(digits) > _DIGITS:
        raise _Wrong(f"It rounds to at most {_DIGITS} places.")
    if isinstance(value, int) and digits >= 0:
        return value
    result = Decimal(value).quantize(Decimal(1).scaleb(-digits), rounding="ROUND_HALF_UP")
    return int(result) if digits <= 0 else result


def _root(value: Number) -> Number:
    if isinstance(value, int) and value >= 0 and math.isqrt(value) ** 2 == value:
        return math.isqrt(value)
    return Decimal(value).sqrt()


def _log(value: Number, base: Number | None = None) -> Number:
    found = Decimal(value).ln()
    return found if base is None else (found / Decimal(base).ln()).normalize()


def _mean(*values: Number) -> Number:
    return _divided(_sum(*values), len(values))


def _sum(*values: Number) -> Number:
    total: Number = 0
    for value in values:
        total = _joined(ast.Add(), total, value)
    return total


def _common(function: Callable[[int, int], int]) -> Callable[..., int]:
    return lambda a, b: function(_whole(a, "It"), _whole(b, "It"))


_OPERATORS: Final[Mapping[type[ast.operator], Callable[[Any, Any], Any]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: lambda a, b: a // b if isinstance(a, int) else math.floor(a / b),
    ast.Mod: lambda a, b: a % b if isinstance(a, int) else a - b * math.floor(a / b),
}
_CONSTANTS: Final[Mapping[str, Decimal]] = {
    "pi": Decimal("3.14159265358979323846264338327950288419716939937510"),
    "e": Decimal("2.71828182845904523536028747135266249775724709369995"),
    "tau": Decimal("6.28318530717958647692528676655900576839433879875021"),
}
_MANY: Final = 200
_Known = tuple[Callable[..., Any], int, int]
_ANGLES: Final[Mapping[str, _Known]] = {
    name: (_of_floats(getattr(math, name)), 1, 1)
    for name in ("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh")
}
_FUNCTIONS: Final[Mapping[str, _Known]] = {
    "abs": (abs, 1, 1),
    "ceil": (math.ceil, 1, 1),
    "floor": (math.floor, 1, 1),
    "round": (_rounded, 1, 2),
    "min": (min, 1, _MANY),
    "max": (max, 1, _MANY),
    "sum": (_sum, 1, _MANY),
    "mean": (_mean, 1, _MANY),
    "sqrt": (_root, 1, 1),
    "exp": (lambda value: Decimal(value).exp(), 1, 1),
    "ln": (_log, 1, 1),
    "log": (_log, 1, 2),
    "log10": (lambda value: Decimal(value).log10(), 1, 1),
    "log2": (lambda value: _log(value, 2), 1, 1),
    "factorial": (_factorial, 1, 1),
    "comb": (_chosen(math.comb), 2, 2),
    "perm": (_chosen(math.perm), 2, 2),
    "gcd": (_common(math.gcd), 2, 2),
    "lcm": (_common(math.lcm), 2, 2),
    "hypot": (_of_floats(math.hypot), 2, 2),
    "degrees": (lambda value: Decimal(value) * 180 / _CONSTANTS["pi"], 1, 1),
    "radians": (lambda value: Decimal(value) * _CONSTANTS["pi"] / 180, 1, 1),
    **_ANGLES,
}


def written(value: Number) -> str:
    """As people write it: no exponent within fifty digits, no zeros at the end."""
    if isinstance(value, int):
        return str(value)
    if value == value.to_integral_value() and abs(value) < Decimal(10) ** _DIGITS:
        return str(int(value))
    short = value.normalize(Context(prec=_DIGITS, Emax=10_000, Emin=-10_000))
    return f"{short:f}" if -20 < short.adjusted() < _DIGITS else f"{short:E}"


class Calculator(LocalTool):
    """The built-in tool `calculator`."""

    name = "calculator"
    description = (
        "Calculate an arithmetic expression exactly: + - * / // % ** and brackets, pi, e, and "
        "functions such as sqrt, round, ln, log10, sin (radians), factorial, comb, mean. Whole "
        "numbers have no rounding, decimals fifty digits."
    )
    parameters: ClassVar[Mapping[str, Any]] = takes(
        ("expression",),
        expression={
            "type": "string",
            "minLength": 1,
            "maxLength": _LONGEST,
            "examples": ["round(1299.99 * 1.19, 2)"],
        },
    )
    traits = ToolTraits(effects="none", idempotent=True, seconds=5.0, characters=4_000)

    async def use(self, ctx: ToolContext, arguments: Arguments, config: Config) -> Outcome:
        del ctx, config
        result = written(calculate(arguments["expression"]))
        return Outcome(result, {"result": result})
