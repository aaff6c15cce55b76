"""The template language of instructions: Jinja without anything that could run away.

There are variables, `if`, `for`, tests, and some filters; no calls, no `set`, no macros, no
multiplication. What is left grows with the template and its variables alone, both of which are
bounded; loops, output and time are counted while it renders.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from functools import lru_cache, wraps
from typing import Any, Final

from jinja2 import StrictUndefined, Template, TemplateError, meta, nodes
from jinja2.exceptions import SecurityError
from jinja2.filters import FILTERS
from jinja2.runtime import LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

MOST_OUTPUT: Final = 200_000
MOST_TURNS: Final = 10_000
MOST_SECONDS: Final = 0.5
MOST_NODES: Final = 10_000
MOST_JOINS: Final = 100
DEEPEST: Final = 40
DEEPEST_BLOCKS: Final = 8
MOST_CHAINED: Final = 4
LONGEST_ARGUMENT: Final = 40

_FILTERS: Final = frozenset(
    {
        "abs",
        "capitalize",
        "count",
        "d",
        "default",
        "dictsort",
        "e",
        "escape",
        "first",
        "float",
        "int",
        "items",
        "join",
        "last",
        "length",
        "list",
        "lower",
        "max",
        "min",
        "reverse",
        "sort",
        "string",
        "sum",
        "title",
        "tojson",
        "trim",
        "truncate",
        "unique",
        "upper",
        "urlencode",
        "wordcount",
    }
)
_TESTS: Final = frozenset(
    {
        "boolean",
        "defined",
        "divisibleby",
        "eq",
        "equalto",
        "even",
        "false",
        "float",
        "ge",
        "gt",
        "in",
        "integer",
        "iterable",
        "le",
        "lower",
        "lt",
        "mapping",
        "ne",
        "none",
        "number",
        "odd",
        "sequence",
        "string",
        "true",
        "undefined",
        "upper",
    }
)
_NODES: Final = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.Getattr,
    nodes.Getitem, nodes.Filter, nodes.Test, nodes.If, nodes.For, nodes.Compare, nodes.Operand,
    nodes.And, nodes.Or, nodes.Not, nodes.CondExpr, nodes.Concat, nodes.Add, nodes.Sub, nodes.Neg,
    nodes.List, nodes.Tuple, nodes.Dict, nodes.Pair, nodes.Keyword,
)  # fmt: skip
_under_way: ContextVar["_Budget"] = ContextVar("under_way")


class TemplateUnfit(ValueError):
    """What is wrong with a template, or with a rendering of it, in a sentence."""


class _Budget:
    """What one rendering may take: turns of its loops, and of the processor's time."""

    def __init__(self) -> None:
        self._turns = MOST_TURNS
        self._end = time.thread_time() + MOST_SECONDS

    def take(self) -> None:
        if time.thread_time() > self._end:
            raise TemplateUnfit("it takes too long")

    def turn(self) -> None:
        self._turns -= 1
        if self._turns < 0:
            raise TemplateUnfit(f"its loops turn more than {MOST_TURNS} times")
        self.take()


class _Environment(ImmutableSandboxedEnvironment):
    """Of values their items are seen, never their methods."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, Mapping) and attribute in obj:
            return obj[attribute]
        if isinstance(obj, LoopContext):
            return super().getattr(obj, attribute)
        return self.undefined(obj=obj, name=attribute)


def _counted(values: Iterable[Any]) -> Iterator[Any]:
    budget = _under_way.get()
    for value in values:
        budget.turn()
        yield value


def _timed(name: str) -> Callable[..., Any]:
    """A filter that is not begun once the time is up."""
    plain = FILTERS[name]

    @wraps(plain)
    def filtered(*given: Any, **more: Any) -> Any:
        _under_way.get().take()
        return plain(*given, **more)

    return filtered


def _environment() -> _Environment:
    made = _Environment(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True)
    made.globals.clear()
    made.filters = {name: _timed(name) for name in _FILTERS} | {"counted": _counted}
    made.tests = {name: made.tests[name] for name in _TESTS}
    return made


_ENVIRONMENT: Final = _environment()


def names_in(source: str) -> frozenset[str]:
    """The variables that a template names; raises TemplateUnfit."""
    return _compiled(source)[1]


def rendered(source: str, values: Mapping[str, Any]) -> str:
    """What a template says with these values (JSON); raises TemplateUnfit."""
    if "{" not in source:
        return source
    template, _ = _compiled(source)
    token = _under_way.set(_Budget())
    pieces, length = [], 0
    try:
        for piece in template.generate(values):
            length += len(piece)
            if length > MOST_OUTPUT:
                raise TemplateUnfit(f"it gives more than {MOST_OUTPUT} characters")
            pieces.append(piece)
    except (TemplateError, SecurityError, TypeError, ArithmeticError, ValueError) as error:
        raise TemplateUnfit(_sentence(error)) from None
    finally:
        _under_way.reset(token)
    return "".join(pieces)


@lru_cache(maxsize=128)
def _compiled(source: str) -> tuple[Template, frozenset[str]]:
    try:
        tree = _ENVIRONMENT.parse(source)
        _check(tree)
        names = frozenset(meta.find_undeclared_variables(tree))
        for loop in tree.find_all(nodes.For):
            loop.iter = nodes.Filter(loop.iter, "counted", [], [], None, None, lineno=loop.lineno)
        return _ENVIRONMENT.from_string(tree), names
    except (TemplateError, SyntaxError, OverflowError, ValueError) as error:
        raise TemplateUnfit(_sentence(error)) from None
    except RecursionError:
        raise TemplateUnfit("it is nested too deeply") from None


def _check(tree: nodes.Template) -> None:
    """Raises TemplateUnfit for what is not of the language, or too much."""
    count = joins = 0
    level: list[tuple[nodes.Node, int, int]] = [(tree, 0, 0)]
    for _ in range(DEEPEST):
        below = []
        for node, blocks, chained in level:
            _expect_known(node)
            joins += isinstance(node, nodes.Add)
            joins += len(node.nodes) if isinstance(node, nodes.Concat) else 0
            inner = blocks + isinstance(node, nodes.If | nodes.For)
            chain = chained + isinstance(node, nodes.Filter)
            if inner > DEEPEST_BLOCKS or chain > MOST_CHAINED:
                raise TemplateUnfit("it is nested too deeply")
            below += [(child, inner, chain) for child in node.iter_child_nodes()]
        count += len(level)
        if count > MOST_NODES or joins > MOST_JOINS:
            raise TemplateUnfit("it has too many parts")
        level = below
    if level:
        raise TemplateUnfit("it is nested too deeply")


def _expect_known(node: nodes.Node) -> None:
    if not isinstance(node, _NODES):
        said = _WORDS.get(type(node), f"`{type(node).__name__.lower()}` is")
        raise TemplateUnfit(f"line {node.lineno}: {said} not part of the language")
    if isinstance(node, nodes.For) and node.recursive:
        raise TemplateUnfit(f"line {node.lineno}: recursive loops are not part of the language")
    if isinstance(node, nodes.Filter):
        _expect_filter(node)
    if isinstance(node, nodes.Test) and node.name not in _TESTS:
        raise TemplateUnfit(f"line {node.lineno}: there is no test `{node.name}`")


def _expect_filter(node: nodes.Filter) -> None:
    """Arguments are short and stand in the template: none decides how long the result is."""
    if node.name not in _FILTERS or node.dyn_args or node.dyn_kwargs:
        raise TemplateUnfit(f"line {node.lineno}: there is no filter `{node.name}`")
    given = [*node.args, *(pair.value for pair in node.kwargs)]
    if node.name in ("d", "default"):
        return
    if node.name == "tojson" and given:
        raise TemplateUnfit(f"line {node.lineno}: `tojson` takes no arguments")
    for each in given:
        value = each.value if isinstance(each, nodes.Const) else None
        if not isinstance(value, str | int) or len(str(value)) > LONGEST_ARGUMENT:
            raise TemplateUnfit(
                f"line {node.lineno}: what `{node.name}` is given must be a short text or number"
            )


_WORDS: Final[Mapping[type[nodes.Node], str]] = {
    nodes.Call: "calls are",
    nodes.Mul: "multiplication is",
    nodes.Pow: "powers are",
    nodes.Mod: "`%` is",
    nodes.Assign: "`set` is",
    nodes.AssignBlock: "`set` is",
    nodes.Macro: "macros are",
}


def _sentence(error: Exception) -> str:
    if isinstance(error, TemplateUnfit):
        return str(error)
    said = getattr(error, "message", None) or str(error) or type(error).__name__
    line = getattr(error, "lineno", None)
    return f"line {line}: {said}"[:300] if line else str(said)[:300]
