"""Gates: what passes, what does not, and why."""

import pytest
import pytest_asyncio

from app.agents.evaluations.experiments.schemas_read import EffectRead
from app.agents.evaluations.gates.deciding import reasons_of
from app.agents.evaluations.gates.schemas import GateFigures
from app.agents.evaluations.schemas import GateThresholds
from tests.agents.evaluations.support import Scholar, begun, ended, evaluation_of, got, made
from tests.support.chat import Talker, connected
from tests.support.identity import new_person

CASES = [{"input": f"Case {n}", "expected": "yes"} for n in range(10)]
EXACT = {"name": "exact", "type": "exact"}
MODEL = {"type": "model", "name": "model", "model": "openai/gpt-4.1-mini"}


def prompt(word):
    messages = [{"role": "user", "content": f"{word}: {{{{input}}}}"}]
    return {"type": "prompt", "name": word, "model": "openai/gpt-4.1-mini", "messages": messages}


@pytest_asyncio.fixture(loop_scope="session")
async def talker(client):
    return Talker(client, await new_person(client))


@pytest_asyncio.fixture(loop_scope="session")
async def scholar(talker):
    fake = Scholar({case["input"]: "yes" for case in CASES})
    async with connected(talker, fake):
        yield fake


async def gated(talker, evaluation, candidate, status=200, headers=None, **more):
    answer = await talker.call(
        "POST",
        f"/v1/evaluations/{evaluation['id']}/gate",
        json={"candidate": candidate, **more},
        headers=headers or {},
    )
    assert answer.status_code == status, answer.text
    return answer.json()


def codes(verdict, *, passed):
    return [each["code"] for each in verdict["reasons"] if each["passed"] is passed]


async def test_a_candidate_that_is_worse_does_not_pass_and_one_as_good_does(talker, scholar):
    scholar.knows |= {f"worse: {case['input']}": "no" for case in CASES[:6]}
    scholar.knows |= {f"worse: {case['input']}": "yes" for case in CASES[6:]}
    evaluation = await evaluation_of(
        talker, CASES, [EXACT], thresholds={"min_score": 0.5, "max_regression": 0.05}
    )
    before = await ended(talker, await begun(talker, evaluation, MODEL))
    baseline = {"baseline": {"experiment_id": before["id"]}}
    path = f"/v1/evaluations/{evaluation['id']}"
    pinned = await talker.call("PATCH", path, json=baseline)
    assert pinned.json()["baseline"] == {"experiment_id": before["id"], "target": None}
    worse = await ended(talker, await begun(talker, evaluation, prompt("worse")))
    verdict = await gated(talker, evaluation, {"experiment_id": worse["id"]})
    assert (verdict["pass"], verdict["status"]) == (False, "decided")
    assert codes(verdict, passed=False) == ["score", "regression"]
    difference = verdict["figures"]["difference"]
    assert (difference["mean"], difference["pairs"]) == (pytest.approx(-0.6), 10)
    assert verdict["baseline"] == {"experiment_id": before["id"], "target": "model"}
    same = await ended(talker, await begun(talker, evaluation, MODEL))
    verdict = await gated(talker, evaluation, {"experiment_id": same["id"]})
    assert (verdict["pass"], codes(verdict, passed=False)) == (True, [])
    costs = {"max_cost_increase": 0, "max_latency_p95_ms": 60_000, "min_pass_rate": 1}
    verdict = await gated(talker, evaluation, {"experiment_id": same["id"]}, thresholds=costs)
    assert codes(verdict, passed=True) == ["pass_rate", "cost", "latency_p95"]


async def test_a_gate_starts_its_experiment_once_and_waits_for_it(talker, scholar):
    evaluation = await evaluation_of(talker, CASES, [EXACT], thresholds={"min_score": 1})
    candidate = {"experiment": {"name": "From a CI", "targets": [MODEL]}}
    key = {"Idempotency-Key": "a build of the CI"}
    verdict = await gated(talker, evaluation, candidate, wait_seconds=30, headers=key)
    assert (verdict["pass"], verdict["figures"]["results"]) == (True, 10)
    again = await gated(talker, evaluation, candidate, wait_seconds=30, headers=key)
    assert again == verdict
    assert len((await got(talker, "/v1/experiments"))["data"]) == 1
    assert len(scholar.asked) == 10


async def test_a_gate_says_that_its_experiment_goes_on(talker, scholar):
    scholar.holds_from = 1
    scholar.holding.clear()
    evaluation = await evaluation_of(talker, CASES[:2], [EXACT], thresholds={"min_score": 1})
    candidate = {"experiment": {"name": "Slow", "targets": [MODEL]}}
    verdict = await gated(talker, evaluation, candidate, 202)
    assert (verdict["status"], verdict["pass"], verdict["figures"]) == ("running", None, None)
    scholar.holding.set()
    candidate = {"experiment_id": verdict["candidate"]["experiment_id"]}
    verdict = await gated(talker, evaluation, candidate, wait_seconds=30)
    assert verdict["pass"] is True


async def test_a_dry_run_starts_nothing(talker, scholar):
    evaluation = await evaluation_of(talker, CASES[:2], [EXACT])
    body = {"candidate": {"experiment": {"name": "Dry", "targets": [MODEL]}}}
    path = f"/v1/evaluations/{evaluation['id']}/gate?dry_run=true"
    answer = await talker.call("POST", path, json=body)
    assert (answer.status_code, answer.json()["status"]) == (200, "tried")
    assert (await got(talker, "/v1/experiments"))["data"] == []


async def test_a_judge_that_disagrees_with_people_lets_nothing_pass(talker, scholar):
    scholar.judges = lambda answer: 5
    judge = {
        "name": "judge",
        "type": "model_judge",
        "model": "openai/gpt-4.1-mini",
        "rubric": "Is it good?",
        "calibration": {
            "examples": [{"output": "good", "passes": True}, {"output": "bad", "passes": False}]
        },
    }
    evaluation = await evaluation_of(talker, CASES[:2], [judge], thresholds={"min_score": 0.5})
    experiment = await ended(talker, await begun(talker, evaluation, MODEL))
    assert experiment["results"]["targets"][0]["pass_rate"] == 1
    assert experiment["calibrations"][0]["fit"] is False
    verdict = await gated(talker, evaluation, {"experiment_id": experiment["id"]})
    assert (verdict["pass"], codes(verdict, passed=False)) == (False, ["judge_agreement"])


async def test_what_a_gate_cannot_decide_by_is_refused(talker, scholar):
    evaluation = await evaluation_of(talker, CASES[:1], [EXACT])
    other = await evaluation_of(talker, CASES[:1], [EXACT])
    experiment = await ended(talker, await begun(talker, evaluation, MODEL))
    candidate = {"experiment_id": experiment["id"]}
    regression = {"max_regression": 0.1}
    missing = await gated(talker, evaluation, candidate, 409, thresholds=regression)
    assert missing["code"] == "gate_baseline_missing"
    assert (await gated(talker, other, candidate, 409))["code"] == "gate_other_evaluation"
    unknown = {**candidate, "target": "nobody"}
    assert (await gated(talker, evaluation, unknown, 422))["code"] == "experiment_target_unknown"
    assert (await gated(talker, evaluation, {}, 422))["code"] == "validation_failed"
    foreign = {"baseline": {"experiment_id": experiment["id"]}}
    changed = await talker.call("PATCH", f"/v1/evaluations/{other['id']}", json=foreign)
    assert changed.json()["code"] == "baseline_invalid"
    await made(talker, f"/v1/experiments/{experiment['id']}/restore", {}, 200)


def figures(low=0.0, high=0.0, **more):
    difference = EffectRead(
        name="score", pairs=9, baseline=0.9, candidate=0.9, mean=(low + high) / 2, low=low,
        high=high, p=0.5,
    )  # fmt: skip
    known = {
        "score": 0.9, "pass_rate": 0.8, "results": 9, "failed": 0, "latency_p95_ms": 900.0,
        "cost_per_case_usd": "0.011", "baseline_cost_per_case_usd": "0.010",
        "difference": difference,
    }  # fmt: skip
    return GateFigures.model_validate({**known, **more})


@pytest.mark.parametrize(
    ("thresholds", "measured", "passed"),
    [
        ({"min_score": 0.9}, {}, True),
        ({"min_score": 0.91}, {}, False),
        ({"min_pass_rate": 0.8}, {}, True),
        # Sure to have fallen too far; perhaps; surely not.
        ({"max_regression": 0.02}, {"low": -0.2, "high": -0.03}, False),
        ({"max_regression": 0.02}, {"low": -0.2, "high": 0.1}, True),
        ({"max_regression": 0.02, "on_uncertain": "fail"}, {"low": -0.2, "high": 0.1}, False),
        ({"max_regression": 0.02, "on_uncertain": "fail"}, {"low": -0.01, "high": 0.1}, True),
        ({"max_regression": 0.02}, {"difference": None}, False),
        ({"max_cost_increase": 0.1}, {}, True),
        ({"max_cost_increase": 0.05}, {}, False),
        ({"max_cost_increase": 5}, {"cost_per_case_usd": None}, False),
        ({"max_latency_p95_ms": 900}, {}, True),
        ({"max_latency_p95_ms": 899}, {}, False),
        ({"max_latency_p95_ms": 900}, {"latency_p95_ms": None}, False),
    ],
)
def test_each_threshold_decides_by_its_figure(thresholds, measured, passed):
    (reason,) = reasons_of(GateThresholds.model_validate(thresholds), figures(**measured))
    assert reason.passed is passed


def test_without_thresholds_there_is_nothing_to_fail():
    assert reasons_of(GateThresholds(), figures()) == []
