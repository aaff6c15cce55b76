"""What a grader says of one case."""

from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True)
class Verdict:
    """`score` is from 0 to 1; `detail` is for programs."""

    score: float
    reason: str
    detail: Any = None


def yes_or_no(holds: bool, yes: str, no: str, detail: Any = None) -> Verdict:
    return Verdict(float(holds), yes if holds else no, detail)


class Ungradable(Exception):
    """Why a grader has nothing to say of a case: its grade is 0, and says this."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


@dataclass(frozen=True, slots=True)
class Grade:
    """A verdict as it is kept; `error` is a code where the grader could not look.

    What the grade itself cost is beside it: a judge is a model, too.
    """

    name: str
    type: str
    score: float
    passed: bool
    required: bool
    weight: float
    reason: str
    detail: Any = None
    error: str | None = None
    cost_usd: Decimal | None = Decimal(0)
    input_tokens: int = 0
    output_tokens: int = 0

    def kept(self) -> dict[str, Any]:
        cost = None if self.cost_usd is None else str(self.cost_usd)
        return {**asdict(self), "cost_usd": cost}


@dataclass(frozen=True, slots=True)
class Marked:
    """All grades of a case, with the weighted mean of their scores."""

    grades: tuple[Grade, ...]
    score: float
    passed: bool


def marked(grades: tuple[Grade, ...], pass_score: float) -> Marked:
    """A case passes where each required grade does and its score reaches `pass_score`.

    Where no grader has a weight all count alike; a case that none looks at has passed nothing.
    """
    if not grades:
        return Marked((), 0.0, passed=False)
    weights = [grade.weight for grade in grades]
    if not sum(weights):
        weights = [1.0] * len(grades)
    score = sum(w * grade.score for w, grade in zip(weights, grades, strict=True)) / sum(weights)
    required = all(grade.passed for grade in grades if grade.required)
    return Marked(grades, score, required and score >= pass_score - 1e-9)
