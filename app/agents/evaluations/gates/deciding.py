"""What a gate looks at, one threshold after another."""

from collections.abc import Iterator
from decimal import Decimal

from app.agents.evaluations.gates.schemas import GateFigures, GateReason
from app.agents.evaluations.schemas import GateThresholds

ALMOST = 1e-9


def reasons_of(thresholds: GateThresholds, figures: GateFigures) -> list[GateReason]:
    """A reason for each threshold that is set; what failed first."""
    found = [*_levels(thresholds, figures), *_regression(thresholds, figures)]
    found += [*_cost(thresholds, figures), *_latency(thresholds, figures)]
    return sorted(found, key=lambda reason: reason.passed)


def _reason(code: str, passed: bool, detail: str) -> GateReason:
    return GateReason(code=code, passed=passed, detail=detail)


def _levels(thresholds: GateThresholds, figures: GateFigures) -> Iterator[GateReason]:
    for code, value, least in (
        ("score", figures.score, thresholds.min_score),
        ("pass_rate", figures.pass_rate, thresholds.min_pass_rate),
    ):
        if least is not None:
            yield _reason(
                code, value >= least - ALMOST, f"It is {value:.4f}; {least:.4f} is asked for."
            )


def _regression(thresholds: GateThresholds, figures: GateFigures) -> Iterator[GateReason]:
    """A fall: `low` and `high` bound the difference with the confidence asked for."""
    most, found = thresholds.max_regression, figures.difference
    if most is None:
        return
    if found is None:
        yield _reason("regression", False, "There is no baseline to compare with.")
        return
    told = (
        f"The score changed by {found.mean:+.4f} ({thresholds.confidence:.1%} interval "
        f"{found.low:+.4f} to {found.high:+.4f}, {found.pairs} cases); a fall of {most:.4f} is "
        "allowed."
    )
    bound = found.low if thresholds.on_uncertain == "fail" else found.high
    yield _reason("regression", bound >= -most - ALMOST, told)


def _cost(thresholds: GateThresholds, figures: GateFigures) -> Iterator[GateReason]:
    most = thresholds.max_cost_increase
    if most is None:
        return
    now, before = figures.cost_per_case_usd, figures.baseline_cost_per_case_usd
    if now is None or before is None:
        yield _reason("cost", False, "A price is missing, or there is no baseline.")
        return
    allowed = before * (1 + Decimal(str(most)))
    told = f"A case costs {now:.9f} USD, and {before:.9f} before; {allowed:.9f} is allowed."
    yield _reason("cost", now <= allowed, told)


def _latency(thresholds: GateThresholds, figures: GateFigures) -> Iterator[GateReason]:
    most, found = thresholds.max_latency_p95_ms, figures.latency_p95_ms
    if most is None:
        return
    if found is None:
        yield _reason("latency_p95", False, "Nothing was answered.")
        return
    yield _reason("latency_p95", found <= most, f"It is {found:.0f} ms; {most} ms are allowed.")
