"""What results come to: means and pass rates, speed and cost."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from app.agents.evaluations.experiments.schemas_read import ExperimentBenchmark, TargetBenchmark
from app.agents.evaluations.experiments.scored import Scored
from app.agents.evaluations.statistics.quantiles import mean, quantile


def by_target(names: Iterable[str], results: Sequence[Any]) -> Mapping[str, list[Any]]:
    found: dict[str, list[Any]] = {name: [] for name in names}
    for result in results:
        found.setdefault(result.target, []).append(result)
    return found


def summed_up(names: Sequence[str], results: Sequence[Scored]) -> dict[str, Any]:
    """The figures of an experiment, as its row keeps them."""
    return {
        "targets": [
            {
                "target": name,
                "results": len(some),
                "failed": sum(each.status == "failed" for each in some),
                "score": mean([each.score for each in some]) or 0.0,
                "pass_rate": mean([float(each.passed) for each in some]) or 0.0,
                "graders": _graders(some),
            }
            for name, some in by_target(names, results).items()
        ]
    }


def _graders(results: Sequence[Scored]) -> list[dict[str, Any]]:
    """What could not be answered counts 0 for each grader that looked at any."""
    grades: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for result in results:
        for grade in result.grades:
            grades[grade["name"]].append(grade)
    return [
        {
            "grader": name,
            "type": some[0]["type"],
            "score": mean([each["score"] for each in some]),
            "pass_rate": mean([float(each["passed"]) for each in some]),
            "count": len(some),
            "errors": sum(each["error"] is not None for each in some),
        }
        for name, some in grades.items()
    ]


def benchmark(
    experiment_id: UUID, names: Sequence[str], results: Sequence[Scored]
) -> ExperimentBenchmark:
    """The targets by what a pass of theirs costs, then by their median latency."""
    measured = [_measured(name, some) for name, some in by_target(names, results).items()]
    measured.sort(
        key=lambda one: (
            one["cost_per_pass_usd"] is None,
            one["cost_per_pass_usd"] or Decimal(0),
            one["latency_p50_ms"] is None,
            one["latency_p50_ms"] or 0.0,
        )
    )
    return ExperimentBenchmark(
        experiment_id=experiment_id,
        data=[TargetBenchmark(rank=rank, **one) for rank, one in enumerate(measured, start=1)],
    )


def _measured(name: str, results: Sequence[Scored]) -> dict[str, Any]:
    """Times are of those that answered; money is of all."""
    answered = [each for each in results if each.status == "completed"]
    times = [each.latency_ms for each in answered if each.latency_ms is not None]
    firsts = [each.first_token_ms for each in answered if each.first_token_ms is not None]
    seconds = sum(times) / 1000
    written = sum(each.output_tokens for each in answered if each.latency_ms is not None)
    cost, passes = cost_of(results), sum(each.passed for each in results)
    return {
        "target": name,
        "results": len(results),
        "latency_p50_ms": quantile(times, 0.5),
        "latency_p95_ms": quantile(times, 0.95),
        "first_token_p50_ms": quantile(firsts, 0.5),
        "first_token_p95_ms": quantile(firsts, 0.95),
        "tokens_per_second": written / seconds if seconds else None,
        "input_tokens": sum(each.input_tokens for each in results),
        "output_tokens": sum(each.output_tokens for each in results),
        "cost_usd": cost,
        "cost_per_case_usd": cost / len(results) if cost is not None and results else None,
        "cost_per_pass_usd": cost / passes if cost is not None and passes else None,
        "pass_rate": mean([float(each.passed) for each in results]) or 0.0,
    }


def cost_of(results: Sequence[Scored]) -> Decimal | None:
    """None where a price is missing."""
    costs = [each.cost_usd for each in results]
    return None if None in costs else sum((c for c in costs if c is not None), Decimal(0))
