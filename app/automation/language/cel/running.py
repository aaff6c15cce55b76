"""Computes the parts of an expression, within a bound on turns, sizes and the processor's time."""

import logging
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from types import ModuleType
from typing import Any, Final

from app.automation.language.cel import decimals, told
from app.automation.language.cel.budget import LIGHT, MOST_WEIGHT, Budget, TooMuch
from app.automation.language.cel.decimals import decimal, decimal_text, giving_decimals, whole
from app.automation.language.cel.functions import FUNCTIONS, FunctionUnfit, matches
from app.automation.language.cel.moments import MOMENTS
from app.automation.language.cel.parts import Chain, ExpressionUnfit, Loop, Part, Run
from app.automation.language.cel.values import (
    Missing,
    bind,
    found,
    kind_of,
    shortest,
    weight,
    why_not,
    written,
)

_CALLABLE: Final[Mapping[str, Callable[..., Any]]] = {
    **FUNCTIONS,
    **MOMENTS,
    "matching": matches,
}
_NAMES: Final = {"matching": "matches", **decimals.NAMES}


@cache
def _engine() -> Any:
    """The package that computes CEL."""
    # Its console would bring terminals' libraries along: half a second, and 11 MB a process.
    sys.modules.setdefault("cel.cli", ModuleType("cel.cli"))
    import cel  # noqa: PLC0415 - not needed at start

    # It tells the log of each function that refuses, with what it was given.
    logging.getLogger("cel").disabled = True
    return cel


class Program:
    """A part, made ready. What `is_chain` gives is a value as it was, not one of the engine's."""

    def __init__(self, part: Part) -> None:
        self.is_chain = part.whole is not None and not part.whole.loops
        self._whole = _Loops(part.whole) if part.whole else None
        self._chains = shortest(part.chains)
        self._all = tuple(part.chains)
        self._functions = {name: _CALLABLE[name] for name in part.functions}
        self._loops = {name: _Loops(run) for name, run in part.runs.items()}
        self._text = part.text
        self._compiled: Any = None if part.whole else checked(part.text)
        self._flat: Any = checked(part.flat) if _is_flat(part, dict(self._chains)) else None
        counts = enumerate(part.chains.items())
        self._named = tuple((f"v{place}", chain, count) for place, (chain, count) in counts)
        self._decimals: Any = None

    def value(self, names: Mapping[str, Any], budget: Budget) -> Any:
        """Raises Missing, TooMuch, FunctionUnfit and ExpressionUnfit."""
        if self._whole is not None:
            return self._whole.value(names, budget)
        if self._flat is not None and (bound := self._bound_flat(names)) is not None:
            # What is wrong with it is told below, by the names that the author knows.
            with suppress(Exception):
                return self._flat.execute(bound)
        tree = self._bound(names)
        try:
            if not self._functions and not self._loops:
                return self._compiled.execute(tree)
            return _executed(self._compiled, tree, self._callable(names, budget))
        except (Missing, TooMuch, FunctionUnfit, ExpressionUnfit):
            raise
        except Exception as error:  # noqa: BLE001 - the engine raises any, for what values are
            if isinstance(error, TypeError):
                with suppress(Exception):
                    return self._in_decimals(tree, names, budget)
            raise ExpressionUnfit(self._why(error, names)) from None

    def _callable(self, names: Mapping[str, Any], budget: Budget) -> dict[str, Callable[..., Any]]:
        loops = {name: each.called(names, budget) for name, each in self._loops.items()}
        return {**self._functions, **loops}

    def _in_decimals(self, tree: Mapping[str, Any], names: Mapping[str, Any], budget: Any) -> Any:
        if self._decimals is None:
            self._decimals = checked(decimal_text(self._text))
        functions = {
            name: giving_decimals(call) for name, call in self._callable(names, budget).items()
        }
        return whole(_executed(self._decimals, decimal(tree), {**functions, **decimals.INSTEAD}))

    def _why(self, error: Exception, names: Mapping[str, Any]) -> str:
        lost = why_not(self._all, names) if told.may_be_lost(error) else None
        if lost is not None or not isinstance(error, TypeError):
            return lost or told.sentence(error)
        nulls = [chain for chain in self._all if _found_or_none(chain, names) is None]
        return told.sentence(error) + (f" (`{written(nulls[0])}` is null)" if nulls else "")

    def _bound_flat(self, names: Mapping[str, Any]) -> dict[str, Any] | None:
        """What each chain leads to; None where one leads nowhere, or to too much."""
        bound: dict[str, Any] = {}
        total = 0
        try:
            for name, chain, count in self._named:
                value = bound[name] = found(chain, names)
                if type(value) not in LIGHT:
                    total += weight(value) * count
        except Missing:
            return None
        return bound if total <= MOST_WEIGHT else None

    def _bound(self, names: Mapping[str, Any]) -> dict[str, Any]:
        """What the text reads; raises TooMuch where that could grow too large in it."""
        tree: dict[str, Any] = {}
        total = 0
        for chain, count in self._chains:
            value = bind(tree, chain, names)
            if type(value) not in LIGHT:
                total += weight(value) * count
        if total > MOST_WEIGHT:
            raise TooMuch("what it reads is too large for an expression")
        return tree


def _is_flat(part: Part, chains: Mapping[tuple[str, ...], int]) -> bool:
    """Whether values in place of its chains give the same: the engine walks them slowly."""
    plain = part.whole is None and not (part.functions or part.runs or part.asks)
    return plain and bool(chains) and chains == part.chains


class _Loops:
    """A run's loops, made ready."""

    def __init__(self, run: Run) -> None:
        self._target = run.target
        self._loops = [(loop, [Program(body) for body in loop.bodies]) for loop in run.loops]

    def called(self, names: Mapping[str, Any], budget: Budget) -> Callable[..., Any]:
        """What the text around calls; it gives the target where that is no chain."""
        return lambda *target: self.value(names, budget, *target)

    def value(self, names: Mapping[str, Any], budget: Budget, *target: Any) -> Any:
        value = found(self._target, names) if self._target else target[0]
        for loop, bodies in self._loops:
            value = _LOOPS[loop.kind](_Turns(loop, bodies, names, budget), _items(loop, value))
        return value


class _Turns:
    """The turns of one loop."""

    def __init__(
        self, loop: Loop, bodies: list[Program], names: Mapping[str, Any], budget: Budget
    ) -> None:
        self._loop, self._bodies, self._budget = loop, bodies, budget
        self._names = dict(names)

    def given(self, item: Any, place: int = -1) -> Any:
        """What a body gives of an item."""
        self._budget.turn()
        self._names[self._loop.name] = item
        return self._bodies[place].value(self._names, self._budget)

    def holds(self, item: Any, place: int = 0) -> bool:
        value = self.given(item, place)
        if not isinstance(value, bool):
            said = f"`{self._loop.kind}` wants true or false, and its condition gives"
            raise ExpressionUnfit(f"{said} {kind_of(value)}")
        return value

    def all(self, items: list[Any]) -> bool:
        return not self._any(items, wanted=False)

    def exists(self, items: list[Any]) -> bool:
        return self._any(items, wanted=True)

    def _any(self, items: list[Any], *, wanted: bool) -> bool:
        """One item that decides outweighs the mistakes of the others, as in the language."""
        mistake: Exception | None = None
        for item in items:
            try:
                if self.holds(item) is wanted:
                    return True
            except (Missing, ExpressionUnfit, FunctionUnfit) as error:
                mistake = mistake or error
        if mistake is not None:
            raise mistake
        return False

    def exists_one(self, items: list[Any]) -> bool:
        return sum(self.holds(item) for item in items) == 1

    def filter(self, items: list[Any]) -> list[Any]:
        return [item for item in items if self.holds(item)]

    def map(self, items: list[Any]) -> list[Any]:
        filtered = self.filter(items) if len(self._bodies) == 2 else items
        given = []
        for item in filtered:
            value = self.given(item)
            self._budget.keep(value)
            given.append(value)
        return given


_LOOPS: Final[Mapping[str, Callable[[_Turns, list[Any]], Any]]] = {
    "all": _Turns.all,
    "exists": _Turns.exists,
    "exists_one": _Turns.exists_one,
    "filter": _Turns.filter,
    "map": _Turns.map,
}


def _items(loop: Loop, value: Any) -> list[Any]:
    """A list's items; of an object its keys, in order."""
    if isinstance(value, Mapping):
        return sorted(value, key=str)
    if isinstance(value, list | tuple):
        return list(value)
    raise ExpressionUnfit(f"`{loop.kind}` wants a list, and is given {kind_of(value)}")


def _found_or_none(chain: Chain, names: Mapping[str, Any]) -> Any:
    try:
        return found(chain, names)
    except Missing:
        return None


def _executed(
    program: Any, tree: Mapping[str, Any], functions: Mapping[str, Callable[..., Any]]
) -> Any:
    """What the engine gives; what a function of ours raised is raised as it was."""
    raised: list[Exception] = []
    noting = {name: _noting(name, call, raised) for name, call in functions.items()}
    try:
        return program.execute(_engine().Context(tree, noting))
    except Exception:
        if raised:
            raise raised[-1] from None
        raise


def _noting(name: str, call: Callable[..., Any], raised: list[Exception]) -> Callable[..., Any]:
    """Keeps what it raises, of which the engine only keeps a text."""

    def noting(*given: Any) -> Any:
        try:
            return call(*given)
        except (Missing, TooMuch, FunctionUnfit, ExpressionUnfit) as error:
            raised.append(error)
            raise
        except Exception:
            raised.append(FunctionUnfit(f"`{_NAMES.get(name, name)}(…)` does not take such values"))
            raise

    return noting


def checked(text: str) -> Any:
    """The engine's own program; raises ExpressionUnfit for what is no CEL."""
    try:
        return _engine().compile(text)
    except Exception as error:  # noqa: BLE001 - it raises any, for what texts are
        raise ExpressionUnfit(told.sentence(error) + told.advice(text)) from None
