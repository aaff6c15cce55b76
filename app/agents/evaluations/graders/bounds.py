"""Graders of what an answer took: tools, cost, time, steps."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from app.agents.evaluations.graders.grade import Ungradable, Verdict, yes_or_no
from app.agents.evaluations.graders.kinds import (
    CostGrader,
    ExpectedToolCall,
    LatencyGrader,
    StepsGrader,
    ToolUseGrader,
)
from app.agents.evaluations.graders.sample import Called, Case, Sample


def tool_use(grader: ToolUseGrader, case: Case, sample: Sample) -> Verdict:
    used = [call.name for call in sample.calls]
    banned = sorted(set(used) & set(grader.forbidden))
    if banned:
        return Verdict(0.0, f"It called {', '.join(banned)}, which is forbidden.", used)
    wanted = _wanted(grader, case)
    hits = MATCHES[grader.order](wanted, sample.calls)
    if grader.order == "exact" and len(sample.calls) != len(wanted):
        told = f"It made {len(sample.calls)} calls, and {len(wanted)} are expected."
        return Verdict(min(hits / max(len(wanted), len(sample.calls)), 0.99), told, used)
    if hits == len(wanted):
        return Verdict(1.0, "It called the tools as expected.", used)
    return Verdict(
        hits / len(wanted), f"{hits} of {len(wanted)} expected calls were made so.", used
    )


def _wanted(grader: ToolUseGrader, case: Case) -> list[ExpectedToolCall]:
    if grader.calls is not None:
        return grader.calls
    told = case.expected.get("tool_calls") if isinstance(case.expected, dict) else None
    if isinstance(told, list):
        try:
            return [ExpectedToolCall.model_validate(each) for each in told]
        except ValueError:
            raise Ungradable(
                "nothing_expected", "`expected.tool_calls` is no list of names and arguments."
            ) from None
    if grader.forbidden:
        return []
    raise Ungradable("nothing_expected", "The case has no `expected.tool_calls`.")


def is_within(wanted: Any, given: Any) -> bool:
    """Whether all that is wanted is there: of objects their members, of the rest the whole."""
    if isinstance(wanted, dict):
        return isinstance(given, dict) and all(
            name in given and is_within(value, given[name]) for name, value in wanted.items()
        )
    return bool(wanted == given)


def is_call(wanted: ExpectedToolCall, call: Called) -> bool:
    return call.name == wanted.name and is_within(wanted.arguments, call.arguments or {})


def _in_any_order(wanted: Sequence[ExpectedToolCall], calls: Sequence[Called]) -> int:
    """How many can each have a call of their own: a matching, found by augmenting paths."""
    fits = [[at for at, call in enumerate(calls) if is_call(one, call)] for one in wanted]
    taken: dict[int, int] = {}

    def place(one: int, tried: set[int]) -> bool:
        for at in fits[one]:
            if at not in tried:
                tried.add(at)
                if at not in taken or place(taken[at], tried):
                    taken[at] = one
                    return True
        return False

    return sum(place(one, set()) for one in range(len(wanted)))


def _in_order(wanted: Sequence[ExpectedToolCall], calls: Sequence[Called]) -> int:
    """How many follow each other in this order: the longest common subsequence."""
    row = [0] * (len(calls) + 1)
    for one in wanted:
        above = row[:]
        for at, call in enumerate(calls, start=1):
            row[at] = above[at - 1] + 1 if is_call(one, call) else max(above[at], row[at - 1])
    return row[-1]


def _just_so(wanted: Sequence[ExpectedToolCall], calls: Sequence[Called]) -> int:
    return sum(is_call(one, call) for one, call in zip(wanted, calls, strict=False))


MATCHES = {"any": _in_any_order, "in_order": _in_order, "exact": _just_so}


def cost(grader: CostGrader, case: Case, sample: Sample) -> Verdict:  # noqa: ARG001
    tokens = sample.input_tokens + sample.output_tokens
    if grader.max_usd is not None and sample.cost_usd is None:
        raise Ungradable("cost_unknown", "No price is known of what answered.")
    over = grader.max_usd is not None and (sample.cost_usd or Decimal(0)) > grader.max_usd
    many = grader.max_tokens is not None and tokens > grader.max_tokens
    told = f"It took {tokens} tokens and {_dollars(sample.cost_usd)}."
    return yes_or_no(not (over or many), told, told)


def _dollars(amount: Decimal | None) -> str:
    return "an unknown amount" if amount is None else f"{amount.normalize():f} USD"


def latency(grader: LatencyGrader, case: Case, sample: Sample) -> Verdict:  # noqa: ARG001
    slow = grader.max_ms is not None and sample.latency_ms > grader.max_ms
    told = f"It took {sample.latency_ms:.0f} ms."
    if grader.max_first_token_ms is not None:
        if sample.first_token_ms is None:
            raise Ungradable("first_token_unknown", "Nobody saw when its first token came.")
        slow = slow or sample.first_token_ms > grader.max_first_token_ms
        told = f"{told} Its first token came after {sample.first_token_ms:.0f} ms."
    return yes_or_no(not slow, told, told)


def steps(grader: StepsGrader, case: Case, sample: Sample) -> Verdict:  # noqa: ARG001
    if sample.steps is None:
        raise Ungradable("steps_unknown", "Nobody counted its steps.")
    told = f"It took {sample.steps} steps."
    return yes_or_no(sample.steps <= grader.max_steps, told, told)
