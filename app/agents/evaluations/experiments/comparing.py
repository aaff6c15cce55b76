"""A candidate against a baseline, case by case."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final
from uuid import UUID

from app.agents.evaluations.experiments.schemas_read import (
    CaseChange,
    ChangeCounts,
    EffectRead,
    SliceEffect,
)
from app.agents.evaluations.experiments.scored import Scored
from app.agents.evaluations.statistics.bootstrap import paired
from app.agents.evaluations.statistics.quantiles import mean

ALMOST: Final = 1e-9
MOST_SLICES: Final = 50


@dataclass(frozen=True, slots=True)
class CaseMean:
    """One case of one side: the means over its repeats; `graders` by their names."""

    score: float
    passed: float
    graders: Mapping[str, float]
    tags: Sequence[str]


@dataclass(frozen=True, slots=True)
class Pair:
    case_id: UUID
    baseline: CaseMean
    candidate: CaseMean

    @property
    def difference(self) -> float:
        return self.candidate.score - self.baseline.score

    @property
    def change(self) -> str:
        if abs(self.difference) <= ALMOST:
            return "same"
        return "improved" if self.difference > 0 else "regressed"


@dataclass(slots=True)
class Compared:
    """`cases` are all pairs, the largest falls first."""

    score: EffectRead
    pass_rate: EffectRead
    graders: list[EffectRead]
    slices: list[SliceEffect]
    changes: ChangeCounts
    pairs: list[Pair]
    left_out: int


def means_of(results: Sequence[Scored]) -> dict[UUID, CaseMean]:
    cases: dict[UUID, list[Scored]] = defaultdict(list)
    for result in results:
        cases[result.case_id].append(result)
    return {case_id: _mean(some) for case_id, some in cases.items()}


def _mean(results: Sequence[Scored]) -> CaseMean:
    graders: dict[str, list[float]] = defaultdict(list)
    for result in results:
        for grade in result.grades:
            graders[grade["name"]].append(grade["score"])
    return CaseMean(
        mean([each.score for each in results]) or 0.0,
        mean([float(each.passed) for each in results]) or 0.0,
        {name: sum(scores) / len(results) for name, scores in graders.items()},
        results[0].tags,
    )


def compare(
    baseline: Mapping[UUID, CaseMean],
    candidate: Mapping[UUID, CaseMean],
    confidence: float,
) -> Compared:
    """Over the cases that both have; a CPU's work of up to a second."""
    pairs = [
        Pair(case_id, one, candidate[case_id])
        for case_id, one in baseline.items()
        if case_id in candidate
    ]

    def effect(
        name: str, value: Callable[[CaseMean], float | None], some: list[Pair]
    ) -> EffectRead:
        first = [value(pair.baseline) for pair in some]
        second = [value(pair.candidate) for pair in some]
        both = [(a, b) for a, b in zip(first, second, strict=True) if None not in (a, b)]
        found = paired([a or 0.0 for a, _ in both], [b or 0.0 for _, b in both],
                       confidence=confidence)  # fmt: skip
        return EffectRead(name=name, **asdict(found))

    def of_grader(name: str) -> EffectRead:
        return effect(name, lambda one: one.graders.get(name), pairs)

    tags = _tags(pairs)
    changes = [pair.change for pair in pairs]
    return Compared(
        effect("score", lambda one: one.score, pairs),
        effect("pass_rate", lambda one: one.passed, pairs),
        [of_grader(name) for name in _graders(pairs)],
        [
            SliceEffect(
                tag=tag,
                effect=effect("score", lambda one: one.score, some),
            )
            for tag, some in tags.items()
        ],
        ChangeCounts(
            improved=changes.count("improved"),
            regressed=changes.count("regressed"),
            same=changes.count("same"),
        ),
        sorted(pairs, key=lambda pair: (pair.difference, str(pair.case_id))),
        len(baseline.keys() ^ candidate.keys()),
    )


def _tags(pairs: Sequence[Pair]) -> dict[str, list[Pair]]:
    """The pairs by their tags, the most frequent fifty."""
    found: dict[str, list[Pair]] = defaultdict(list)
    for pair in pairs:
        for tag in pair.candidate.tags:
            found[tag].append(pair)
    most = sorted(found, key=lambda tag: (-len(found[tag]), tag))[:MOST_SLICES]
    return {tag: found[tag] for tag in sorted(most)}


def _graders(pairs: Sequence[Pair]) -> list[str]:
    """Those that looked at one case on both sides at least, in their order."""
    return list(
        dict.fromkeys(
            name
            for pair in pairs
            for name in pair.baseline.graders
            if name in pair.candidate.graders
        )
    )


def shown(pairs: Sequence[Pair], change: str | None, most: int) -> list[CaseChange]:
    """The pairs that are asked for; of too many those that changed most."""
    wanted = [pair for pair in pairs if change is None or pair.change == change]
    if len(wanted) > most:
        far = sorted(wanted, key=lambda pair: -abs(pair.difference))[:most]
        kept = {pair.case_id for pair in far}
        wanted = [pair for pair in wanted if pair.case_id in kept]
    return [
        CaseChange(
            case_id=pair.case_id,
            change=pair.change,
            baseline=pair.baseline.score,
            candidate=pair.candidate.score,
            difference=pair.difference,
            tags=list(pair.candidate.tags),
        )
        for pair in wanted
    ]
