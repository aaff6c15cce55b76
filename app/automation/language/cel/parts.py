"""A CEL expression in parts: what it reads, and its comprehensions, which are carried out by us.

The engine of the language takes time in proportion to the square of a list's length, walks maps in
an order that differs from process to process, and cannot be stopped. So `a.filter(x, …)` is taken
out of the text: what is left is straight-line CEL, and the loop is ours: bounded, in order, and
over our own values.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from app.automation.language.cel.functions import FUNCTIONS, NATIVE
from app.automation.language.cel.moments import MOMENTS
from app.automation.language.cel.tokens import END, Token, arguments, closing
from app.automation.language.cel.told import no_function

DEEPEST: Final = 2
MOST_LOOPS: Final = 10
LOOPS: Final = frozenset({"all", "exists", "exists_one", "filter", "map"})
TYPES: Final = frozenset(
    {"bool", "bytes", "double", "int", "list", "map", "null_type", "string", "type", "uint"}
)
_LITERALS: Final = frozenset({"true", "false", "null", "in"})

Chain = tuple[str | int, ...]
"""`nodes.a.output[0]` as its steps: a root, and what is looked up from there."""


class ExpressionUnfit(ValueError):
    """What is wrong with an expression, in a sentence."""


@dataclass(frozen=True, slots=True)
class Loop:
    """`.map(name, bodies…)` and its like."""

    kind: str
    name: str
    bodies: tuple["Part", ...]


@dataclass(frozen=True, slots=True)
class Run:
    """Loops one after the other, over a chain's value, or over what the text around gives."""

    target: Chain | None
    loops: tuple[Loop, ...]


@dataclass(slots=True)
class Part:
    """`text` is CEL without loops: it calls each of `runs` by its name. Chains are counted.

    `flat` is the same with a name in place of each chain (`v0 + 1`), by which `has(…)` could not
    ask. Where the whole is one run (or only a chain, which is a run without loops), `whole` is
    that.
    """

    text: str = ""
    flat: str = ""
    chains: dict[Chain, int] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)
    functions: set[str] = field(default_factory=set)
    asks: bool = False
    whole: Run | None = None

    def write(self, text: str, flat: str | None = None) -> None:
        self.text += text
        self.flat += text if flat is None else flat

    def read(self, chain: Chain) -> str:
        """Count it; its name in `flat`."""
        self.chains[chain] = self.chains.get(chain, 0) + 1
        return f"v{[*self.chains].index(chain)}"


class Reader:
    """Takes one expression apart; raises ExpressionUnfit."""

    def __init__(self) -> None:
        self._loops = 0

    def part(self, tokens: list[Token], depth: int = 0) -> Part:
        part, place = Part(), 0
        while place < len(tokens):
            place = self._next(part, tokens, place, depth)
        return part

    def _next(self, part: Part, tokens: list[Token], place: int, depth: int) -> int:
        """Write what stands for that which begins at this place; where it ends."""
        token, before, after = _at(tokens, place), _at(tokens, place - 1), _at(tokens, place + 1)
        _expect_known(token, before)
        if token.kind == "name" and after.text == "(":
            if before.text == "." and token.text in LOOPS:
                loops, end = self._loops_from(tokens, place - 1, depth)
                part.write(token.lead + _called(part, Run(None, loops)))
                return end
            part.write(token.lead + _function(part, token.text))
            return place + 1
        if token.kind == "name" and before.text != "." and token.text not in _LITERALS:
            return self._chain(part, tokens, place, depth)
        part.write(token.written)
        return place + 1

    def _chain(self, part: Part, tokens: list[Token], place: int, depth: int) -> int:
        token = tokens[place]
        name = f"{token.text}.{_at(tokens, place + 2).text}"
        if name in FUNCTIONS and _at(tokens, place + 3).text == "(":
            part.functions.add(name)
            part.write(token.lead + name)
            return place + 3
        if _at(tokens, place + 1).text == "{":
            raise ExpressionUnfit(f"there are no messages such as `{token.text}`")
        chain, end = _chain_from(tokens, place)
        loops, after = self._loops_from(tokens, end, depth)
        if place == 0 and after == len(tokens):
            part.whole = Run(chain, loops)
        if loops:
            part.write(token.lead + _called(part, Run(chain, loops)))
            return after
        text = "".join(each.written for each in tokens[place:end])
        if len(chain) > 1 or token.text not in TYPES:
            part.write(text, token.lead + part.read(chain))
        else:
            part.whole = None
            part.write(text)
        return end

    def _loops_from(
        self, tokens: list[Token], place: int, depth: int
    ) -> tuple[tuple[Loop, ...], int]:
        """The loops of a row that begins at this place (it may have none), and its end."""
        loops = []
        while (
            _at(tokens, place).text == "."
            and _at(tokens, place + 1).text in LOOPS
            and _at(tokens, place + 2).text == "("
        ):
            end = closing(tokens, place + 2)
            loops.append(self._loop(tokens[place + 1].text, tokens[place + 3 : end], depth + 1))
            place = end + 1
        return tuple(loops), place

    def _loop(self, kind: str, tokens: list[Token], depth: int) -> Loop:
        self._loops += 1
        if self._loops > MOST_LOOPS:
            raise ExpressionUnfit(f"it has more than {MOST_LOOPS} loops")
        if depth > DEEPEST:
            raise ExpressionUnfit(f"its loops are nested more than {DEEPEST} deep")
        name, *bodies = arguments(tokens)
        if len(name) != 1 or name[0].kind != "name" or name[0].text in TYPES:
            raise ExpressionUnfit(f"the first argument of `{kind}` must be a name of yours")
        if len(bodies) not in ((1, 2) if kind == "map" else (1,)):
            raise ExpressionUnfit(f"`{kind}` takes a name and an expression")
        return Loop(kind, name[0].text, tuple(self.part(body, depth) for body in bodies))


def _at(tokens: list[Token], place: int) -> Token:
    return tokens[place] if 0 <= place < len(tokens) else END


def _expect_known(token: Token, before: Token) -> None:
    if token.text == "." and (
        before.text not in (")", "]", "}") if before.kind == "mark" else before.text == "in"
    ):
        raise ExpressionUnfit("a `.` has nothing before it")


def _function(part: Part, name: str) -> str:
    if name not in FUNCTIONS and name not in NATIVE:
        raise ExpressionUnfit(no_function(name))
    part.asks = part.asks or name == "has"
    if name == "matches":
        part.functions.add("matching")
        return "matching"
    if name in FUNCTIONS or name in MOMENTS:
        part.functions.add(name)
    return name


def _called(part: Part, run: Run) -> str:
    name = f"loop{len(part.runs)}"
    part.runs[name] = run
    return f"{name}()"


def _chain_from(tokens: list[Token], place: int) -> tuple[Chain, int]:
    """The longest chain from this place whose every step stands in the text."""
    steps: list[str | int] = [tokens[place].text]
    place += 1
    while True:
        mark, step, after = (_at(tokens, place + offset) for offset in range(3))
        if mark.text == "." and step.kind == "name" and after.text != "(":
            steps.append(step.text)
            place += 2
        elif mark.text == "[" and after.text == "]" and (found := _index(step)) is not None:
            steps.append(found)
            place += 3
        else:
            return tuple(steps), place


def _index(token: Token) -> str | int | None:
    if token.kind == "number" and token.text.isdigit():
        return int(token.text)
    return token.bare


def free_chains(part: Part, known: frozenset[str] = frozenset()) -> Iterator[Chain]:
    """The chains that begin outside of the expression, those in its loops among them."""
    for chain in part.chains:
        if chain[0] not in known:
            yield chain
    for run in [part.whole] if part.whole else list(part.runs.values()):
        if run.target is not None and run.loops and run.target[0] not in known:
            yield run.target
        for loop in run.loops:
            for body in loop.bodies:
                yield from free_chains(body, known | {loop.name})
