"""CEL expressions: what they refer to, and what they give.

A value goes into the engine of the language only where the expression reads it, cut down to what it
reads; a plain `nodes.a.output.text` never does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from app.automation.language.cel.budget import MOST_TURNS, Budget, TooMuch
from app.automation.language.cel.functions import FunctionUnfit, plain
from app.automation.language.cel.parts import Chain, ExpressionUnfit, Reader, free_chains
from app.automation.language.cel.running import Program, checked
from app.automation.language.cel.tokens import tokens_of
from app.automation.language.cel.values import Missing
from app.automation.language.faults import StepFault

LONGEST: Final = 2000
MATCH_TURNS: Final = 1000
"""Of what is asked of each event: whoever hears of events waits for all of them."""
EXPRESSION_FAILED: Final = "expression_failed"
__all__ = [
    "EXPRESSION_FAILED",
    "LONGEST",
    "MATCH_TURNS",
    "Expression",
    "ExpressionUnfit",
    "compiled",
    "evaluate",
    "holds",
    "truth",
]


@dataclass(frozen=True, slots=True)
class Expression:
    """One that is made ready. `chains` is what it refers to, loops' own names left out."""

    source: str
    chains: tuple[Chain, ...]
    program: Program

    def value(self, names: Mapping[str, Any], turns: int = MOST_TURNS) -> Any:
        """What it gives, as JSON; raises StepFault `expression_failed`, and says why."""
        try:
            value = self.program.value(names, Budget(turns))
            return value if self.program.is_chain else plain(value)
        except (Missing, TooMuch, FunctionUnfit, ExpressionUnfit) as error:
            said = f"`{_shown(self.source)}`: {error}."
            raise StepFault(EXPRESSION_FAILED, said) from None


@lru_cache(maxsize=4096)
def compiled(source: str) -> Expression:
    """Raises ExpressionUnfit, with what is wrong as a sentence."""
    if len(source) > LONGEST:
        raise ExpressionUnfit(f"it has more than {LONGEST} characters")
    checked(source)
    part = Reader().part(tokens_of(source))
    return Expression(source, tuple(dict.fromkeys(free_chains(part))), Program(part))


def evaluate(source: str, names: Mapping[str, Any], turns: int = MOST_TURNS) -> Any:
    """What CEL gives over these names (JSON), as JSON: moments as texts, durations as `90s`.

    Its loops may have so many turns together.
    Raises StepFault `expression_failed`.
    """
    try:
        expression = compiled(source)
    except ExpressionUnfit as error:
        raise StepFault(EXPRESSION_FAILED, f"The expression cannot be read: {error}.") from None
    return expression.value(names, turns)


def holds(source: str, names: Mapping[str, Any]) -> bool:
    """Whether it gives true; raises StepFault `expression_failed`, for any other value too."""
    return truth(evaluate(source, names), _shown(source))


def truth(value: Any, place: str) -> bool:
    """Raises StepFault `expression_failed` for what neither holds nor does not."""
    if not isinstance(value, bool):
        said = f"`{place}` must be true or false; convert with bool(…), or compare."
        raise StepFault(EXPRESSION_FAILED, said)
    return value


def _shown(source: str) -> str:
    return source if len(source) <= 100 else f"{source[:100]}…"
