"""Experiments over a vendor's wire format: results, figures, comparison, benchmark, budget."""

from decimal import Decimal

import pytest_asyncio
from sqlalchemy import select

from app.core.db import SYSTEM
from app.inference.usage.models import ModelCall
from tests.agents.evaluations.support import (
    Scholar,
    begun,
    ended,
    evaluation_of,
    got,
    made,
    results_of,
)
from tests.support.chat import Talker, connected
from tests.support.identity import new_person, until

CASES = [
    {"input": f"What is {n} + {n}?", "expected": str(2 * n), "variables": {"n": n},
     "tags": ["even" if n % 2 == 0 else "odd"]}
    for n in range(1, 9)
]  # fmt: skip
KNOWS = {case["input"]: f"It is {case['expected']}." for case in CASES}
NUMBER = {"name": "number", "type": "numeric"}


def model(name="model", **more):
    return {"type": "model", "name": name, "model": "openai/gpt-4.1-mini", **more}


@pytest_asyncio.fixture(loop_scope="session")
async def talker(client):
    return Talker(client, await new_person(client))


@pytest_asyncio.fixture(loop_scope="session")
async def scholar(talker):
    fake = Scholar(dict(KNOWS))
    async with connected(talker, fake):
        yield fake


async def test_every_case_is_asked_graded_and_paid_for(talker, scholar, kernel):
    scholar.knows["What is 3 + 3?"] = "It is 7."
    graders = [NUMBER, {"name": "cheap", "type": "cost", "max_tokens": 1000, "weight": 0}]
    evaluation = await evaluation_of(talker, CASES, graders)
    experiment = await begun(talker, evaluation, model(), repeats=2)
    assert (experiment["status"], experiment["results"]) == ("running", None)
    experiment = await ended(talker, experiment)
    assert experiment["status"] == "completed"
    (figures,) = experiment["results"]["targets"]
    assert (figures["results"], figures["failed"]) == (16, 0)
    assert figures["score"] == figures["pass_rate"] == 14 / 16
    assert [each["grader"] for each in figures["graders"]] == ["number", "cheap"]
    results = await results_of(talker, experiment)
    assert [each["repeat"] for each in results[:2]] == [1, 2]
    (wrong, _) = await results_of(talker, experiment, "&passed=false")
    assert (wrong["text"], wrong["model"]) == ("It is 7.", "openai/gpt-4.1-mini")
    assert wrong["grades"][0]["reason"] == "7 is 1 from 6; 0 is allowed."
    # 120 tokens in, of which 20 were cached, and 50 out, by the price that is known of the model.
    assert (wrong["input_tokens"], wrong["output_tokens"]) == (120, 50)
    assert Decimal(wrong["cost_usd"]) > 0
    assert wrong["first_token_ms"] <= wrong["latency_ms"]
    run = await got(talker, f"/v1/runs/{experiment['run_id']}")
    assert run["kind"] == "evaluation_experiment"
    total = sum(Decimal(each["cost_usd"]) for each in results)
    assert Decimal(run["cost_usd"]) == total
    async with kernel.database.unit(SYSTEM) as session:
        calls = await session.scalars(select(ModelCall).where(ModelCall.run_id == run["id"]))
        assert {call.purpose for call in calls} == {"evaluation"}


async def test_a_result_can_be_read_while_others_are_still_asked(talker, scholar):
    scholar.holds_from = 3
    scholar.holding.clear()
    evaluation = await evaluation_of(talker, CASES[:4], [NUMBER])
    experiment = await begun(talker, evaluation, model(), concurrency=1)

    async def two_there():
        return len(await results_of(talker, experiment)) == 2

    await until(two_there)
    assert (await got(talker, f"/v1/experiments/{experiment['id']}"))["status"] == "running"
    scholar.holding.set()
    await ended(talker, experiment)
    assert len(await results_of(talker, experiment)) == 4
    assert len(scholar.asked) == 4


async def test_prompts_are_filled_from_each_case_and_never_told_what_is_expected(talker, scholar):
    scholar.knows |= {f"Twice {n}, please": str(2 * n) for n in range(1, 9)}
    prompt = {
        "type": "prompt",
        "name": "prompt",
        "model": "openai/gpt-4.1-mini",
        "messages": [
            {"role": "system", "content": "Answer with a number."},
            {"role": "user", "content": "Twice {{n}}, please"},
        ],
        "parameters": {"temperature": 0},
    }
    peeking = {
        **prompt,
        "name": "peeking",
        "messages": [{"role": "user", "content": "{{expected}}"}],
    }
    evaluation = await evaluation_of(talker, CASES[:2], [NUMBER])
    experiment = await ended(talker, await begun(talker, evaluation, prompt, peeking))
    by_name = {each["target"]: each for each in experiment["results"]["targets"]}
    assert by_name["prompt"]["score"] == 1
    assert by_name["peeking"] == {**by_name["peeking"], "failed": 2, "score": 0.0}
    failed = await results_of(talker, experiment, "&target=peeking")
    assert {each["error"]["code"] for each in failed} == {"prompt_unfit"}
    assert scholar.requests[-1].body["temperature"] == 0


async def test_a_provider_that_fails_fails_its_cases_alone(talker, scholar):
    scholar.knows["What is 2 + 2?"] = "!"
    evaluation = await evaluation_of(talker, CASES[:3], [NUMBER])
    experiment = await ended(talker, await begun(talker, evaluation, model()))
    assert experiment["status"] == "completed"
    assert experiment["results"]["targets"][0]["failed"] == 1
    (failed,) = await results_of(talker, experiment, "&passed=false")
    assert (failed["status"], failed["score"], failed["error"]["status"]) == ("failed", 0, 502)
    assert [each["error"] for each in failed["grades"]] == ["not_answered"]


async def test_targets_are_compared_case_by_case_and_by_tag(talker, scholar):
    better = [{"role": "user", "content": "Better: {{input}}"}]
    for number, case in enumerate(CASES):
        scholar.knows[f"Better: {case['input']}"] = case["expected"]
        if number < 6:
            scholar.knows[case["input"]] = "0"
    scholar.knows[f"Better: {CASES[7]['input']}"] = "0"
    second = {"type": "prompt", "name": "b", "model": "openai/gpt-4.1-mini", "messages": better}
    evaluation = await evaluation_of(talker, CASES, [NUMBER])
    experiment = await ended(talker, await begun(talker, evaluation, model("a"), second))
    path = f"/v1/experiments/{experiment['id']}/comparison"
    compared = await got(talker, path)
    assert (compared["baseline"]["target"], compared["candidate"]["target"]) == ("a", "b")
    assert compared["changes"] == {"improved": 6, "regressed": 1, "same": 1}
    score = compared["score"]
    assert (score["pairs"], score["baseline"], score["candidate"]) == (8, 0.25, 0.875)
    assert score["low"] <= score["mean"] == 0.625 <= score["high"]
    # Of seven cases that changed, six one way: 16 of the 128 choices of signs are as far.
    assert score["p"] == 16 / 128
    assert [each["change"] for each in compared["cases"]][:2] == ["regressed", "same"]
    assert {each["tag"]: each["effect"]["pairs"] for each in compared["slices"]} == {
        "even": 4,
        "odd": 4,
    }
    regressed = await got(talker, f"{path}?change=regressed&most=1")
    assert [each["difference"] for each in regressed["cases"]] == [-1]
    turned = await got(talker, f"{path}?target=a&baseline_target=b")
    assert turned["score"]["mean"] == -0.625
    refused = await talker.call("GET", f"{path}?target=nobody")
    assert refused.json()["code"] == "experiment_target_unknown"
    # The same figures, whoever asks how often.
    assert await got(talker, path) == compared


async def test_the_benchmark_ranks_by_what_a_pass_costs(talker, scholar):
    scholar.knows |= {f"Bad: {case['input']}": "0" for case in CASES[2:]}
    scholar.knows |= {f"Bad: {case['input']}": case["expected"] for case in CASES[:2]}
    bad = {
        "type": "prompt",
        "name": "bad",
        "model": "openai/gpt-4.1-mini",
        "messages": [{"role": "user", "content": "Bad: {{input}}"}],
    }
    evaluation = await evaluation_of(talker, CASES, [NUMBER])
    experiment = await ended(talker, await begun(talker, evaluation, bad, model("good")))
    found = await got(talker, f"/v1/experiments/{experiment['id']}/benchmark")
    first, second = found["data"]
    assert [(each["target"], each["rank"]) for each in (first, second)] == [("good", 1), ("bad", 2)]
    assert Decimal(second["cost_per_pass_usd"]) == 4 * Decimal(second["cost_per_case_usd"])
    for each in (first, second):
        assert each["latency_p50_ms"] <= each["latency_p95_ms"]
        assert each["first_token_p50_ms"] <= each["latency_p50_ms"]
        assert each["tokens_per_second"] > 0
        assert each["output_tokens"] == 8 * 50


async def test_a_budget_ends_it_before_it_is_exceeded_and_keeps_what_was_asked(talker, scholar):
    evaluation = await evaluation_of(talker, CASES, [NUMBER])
    once = await ended(talker, await begun(talker, evaluation, model(), tags=["odd"]))
    each = Decimal((await results_of(talker, once))[0]["cost_usd"])
    scholar.asked.clear()
    budget = str((each * Decimal("3.5")).quantize(Decimal("0.000000001")))
    experiment = await begun(talker, evaluation, model(), budget_usd=budget, concurrency=8)
    experiment = await ended(talker, experiment)
    assert (experiment["status"], len(scholar.asked)) == ("failed", 3)
    run = await got(talker, f"/v1/runs/{experiment['run_id']}")
    assert run["error"]["code"] == "experiment_budget_reached"
    assert Decimal(run["cost_usd"]) <= Decimal(budget)
    assert experiment["results"]["targets"][0]["results"] == 3


async def test_a_cancelled_one_keeps_what_was_asked(talker, scholar):
    scholar.holds_from = 2
    scholar.holding.clear()
    evaluation = await evaluation_of(talker, CASES, [NUMBER])
    experiment = await begun(talker, evaluation, model(), concurrency=1)

    async def one_there():
        return await results_of(talker, experiment)

    await until(one_there)
    cancelled = await talker.call("POST", f"/v1/experiments/{experiment['id']}/cancel")
    assert cancelled.status_code == 202
    experiment = await ended(talker, experiment)
    assert experiment["status"] == "cancelled"
    assert experiment["results"]["targets"][0]["results"] == 1


async def test_a_judge_is_held_to_its_examples_once(talker, scholar):
    scholar.judges = lambda answer: 5 if "It is" in answer else 1
    examples = [
        {"output": "It is 2.", "passes": True},
        {"output": "It is 4.", "passes": True},
        {"output": "Dunno", "passes": False},
        {"output": "It is sad.", "passes": False},
    ]
    judge = {
        "name": "judge",
        "type": "model_judge",
        "model": "openai/gpt-4.1-mini",
        "rubric": "Does it answer?",
        "calibration": {"examples": examples, "min_kappa": 0.4},
    }
    evaluation = await evaluation_of(talker, CASES[:2], [judge])
    experiment = await ended(talker, await begun(talker, evaluation, model()))
    (agreement,) = experiment["calibrations"]
    assert (agreement["accuracy"], agreement["kappa"], agreement["fit"]) == (0.75, 0.5, True)
    assert len(scholar.judged) == 4 + 2
    result = (await results_of(talker, experiment))[0]
    assert Decimal(result["grading_cost_usd"]) > 0
    kept = await got(talker, f"/v1/evaluations/{evaluation['id']}")
    assert kept["calibrations"] == experiment["calibrations"]
    await ended(talker, await begun(talker, evaluation, model()))
    assert len(scholar.judged) == 4 + 2 + 2


async def test_what_cannot_be_asked_is_refused_before_anything_is(talker, scholar):
    evaluation = await evaluation_of(talker, CASES[:1], [NUMBER])
    path = f"/v1/evaluations/{evaluation['id']}/experiments"
    for body, code in (
        ({"targets": [{**model(), "model": "nobody/nothing"}]}, "model_unknown"),
        ({"targets": [model(), model()]}, "validation_failed"),
        ({"targets": [model()], "tags": ["nobody has this"]}, "dataset_empty"),
        ({"targets": [{"type": "code", "name": "x"}]}, "validation_failed"),
        ({"targets": []}, "validation_failed"),
    ):
        answer = await talker.call("POST", path, json={"name": "X", **body})
        assert answer.json()["code"] == code, answer.text
    dry = await talker.call(
        "POST", f"{path}?dry_run=true", json={"name": "X", "targets": [model()]}
    )
    assert dry.status_code == 201
    assert (await got(talker, "/v1/experiments"))["data"] == []
    assert scholar.asked == []


async def test_similarity_by_the_local_embedder(talker, scholar):
    scholar.knows = {"Say it": "The tenant pays the rent every month."}
    near = {"input": "Say it", "expected": "Rent is paid monthly by the tenant."}
    far = {"input": "Say it", "expected": "Volcanoes erupt under the sea."}
    graders = [{"name": "near", "type": "similarity", "metric": "cosine", "threshold": 0.7}]
    evaluation = await evaluation_of(talker, [near, far], graders)
    experiment = await ended(talker, await begun(talker, evaluation, model()))
    results = await results_of(talker, experiment)
    assert [each["passed"] for each in results] == [True, False]


async def test_an_evaluation_is_changed_listed_and_deleted(talker, scholar):
    evaluation = await evaluation_of(talker, CASES[:1], [NUMBER])
    path = f"/v1/evaluations/{evaluation['id']}"
    change = {"graders": [{"name": "n", "type": "json_path", "path": "$.a", "equals": None}]}
    changed = (await talker.call("PATCH", path, json=change)).json()
    assert changed["graders"][0]["type"] == "json_path"
    listed = await got(talker, f"/v1/evaluations?dataset_id={evaluation['dataset_id']}")
    assert [each["id"] for each in listed["data"]] == [evaluation["id"]]
    twice = {"graders": [NUMBER, NUMBER]}
    assert (await talker.call("PATCH", path, json=twice)).status_code == 422
    assert (await talker.call("DELETE", path)).status_code == 204
    assert (await talker.call("GET", path)).json()["code"] == "evaluation_not_found"
    assert (await talker.call("POST", f"{path}/restore")).status_code == 200
    unknown = {"name": "X", "dataset_id": evaluation["id"], "graders": [NUMBER]}
    assert (await made(talker, "/v1/evaluations", unknown, 404))["code"] == "dataset_not_found"


async def test_a_prompt_may_be_a_template_that_is_kept(talker, scholar):
    system = {"role": "system", "content": "You add {{ what }}."}
    body = {
        "name": "Adder",
        "variables": {"type": "object", "properties": {"what": {"type": "string"}}},
        "body": {"type": "prompt", "messages": [system]},
    }
    template = await made(talker, "/v1/templates", body)
    case = {"input": "What is 1 + 1?", "expected": "2", "variables": {"what": "apples", "n": 1}}
    target = {
        "type": "prompt",
        "name": "kept",
        "model": "openai/gpt-4.1-mini",
        "template": template["id"],
        "label": "draft",
    }
    evaluation = await evaluation_of(talker, [case], [NUMBER])
    experiment = await ended(talker, await begun(talker, evaluation, target))
    (result,) = await results_of(talker, experiment)
    assert result["passed"], result
    said = scholar.requests[-1].body["messages"]
    assert [each["content"] for each in said] == ["You add apples.", "What is 1 + 1?"]
