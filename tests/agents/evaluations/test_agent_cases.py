"""Agents as targets: their runs outlive the experiment's process, and count where they fail."""

import json
from decimal import Decimal
from uuid import UUID

import pytest

from app.agents.evaluations.experiments import service
from app.agents.evaluations.experiments.schemas import ExperimentCreate
from app.agents.evaluations.experiments.work import Experimenting
from app.core.auth import Access, Permission
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
from tests.support.fakes.base import Said, say, status
from tests.support.identity import new_person, until
from tests.support.runs import Process

CASES = [{"input": f"Case {n}", "expected": "yes"} for n in range(3)]
EXACT = {"name": "exact", "type": "exact"}
AGENT = {"type": "agent", "name": "agent", "agent": "answerer"}


@pytest.fixture
async def talker(client):
    return Talker(client, await new_person(client))


@pytest.fixture
async def scholar(talker):
    fake = Scholar({case["input"]: "yes" for case in CASES})
    async with connected(talker, fake):
        yield fake


async def make_agent(talker, **more):
    definition = {"instructions": "Say yes.", "model": "openai/gpt-4.1-mini", **more}
    body = {"slug": "answerer", "name": "Answerer", "definition": definition}
    return await made(talker, "/v1/agents", body)


async def test_the_run_of_a_case_goes_on_though_the_experiment_was_killed(
    app, kernel, talker, scholar
):
    agent = await make_agent(talker)
    scholar.holds_from = 2
    scholar.holding.clear()
    evaluation = await evaluation_of(talker, CASES, [EXACT])
    evaluations = app.state.agents.evaluations
    process = await Process(kernel, Experimenting(evaluations)).start()
    user_id = UUID(talker.person.user_id)
    access = Access(
        UUID(talker.person.workspace_id), user_id, frozenset(Permission), "session", user_id
    )
    new = ExperimentCreate.model_validate({"name": "X", "targets": [AGENT], "concurrency": 1})
    async with kernel.database.unit(access.scope) as session:
        experiment, run = await service.create(
            session, access, process.runs.executor.id, UUID(evaluation["id"]), new
        )
    process.runs.executor.launch(run)
    shown = {"id": str(experiment.id)}

    async def second_is_held():
        return len(scholar.asked) == 2

    await until(second_is_held)
    before = await results_of(talker, shown)
    assert [each["status"] for each in before] == ["completed", "running"]
    await process.kill()
    await app.state.runs.recovery.sweep()
    scholar.holding.set()
    over = await ended(talker, shown)
    assert (over["status"], over["results"]["targets"][0]["score"]) == ("completed", 1)
    # Nobody was asked twice: the run of the second case is the one that was begun.
    assert sorted(scholar.asked) == [case["input"] for case in CASES]
    after = await results_of(talker, shown)
    assert after[0] == before[0]
    assert after[1]["run_id"] == before[1]["run_id"]
    runs = (await got(talker, f"/v1/agents/{agent['id']}/runs"))["data"]
    assert {each["id"] for each in runs} == {each["run_id"] for each in after}
    await assert_costs(talker, over, after)


async def assert_costs(talker, experiment, results):
    """The experiment costs what the runs of its agents do."""
    whole = await got(talker, f"/v1/runs/{experiment['run_id']}")
    costs = [Decimal(each["cost_usd"]) for each in results]
    assert Decimal(whole["cost_usd"]) == sum(costs) > 0


async def test_what_an_agent_has_spent_before_it_failed_is_counted(talker, scholar):
    await make_agent(talker, tools=[{"tool": "calculator"}])
    used = {"prompt_tokens": 1000, "completion_tokens": 500, "total_tokens": 1500}
    call = ("c1", "calculator", {"expression": "1 + 1"})
    scholar.will(say(Said(text=(), calls=(call,), usage=used)), status(401))
    evaluation = await evaluation_of(talker, CASES[:1], [EXACT])
    over = await ended(talker, await begun(talker, evaluation, AGENT))
    (failed,) = await results_of(talker, over)
    assert (failed["status"], failed["score"]) == ("failed", 0)
    run = await got(talker, f"/v1/runs/{failed['run_id']}")
    assert run["status"] == "failed"
    assert Decimal(failed["cost_usd"]) == Decimal(run["cost_usd"]) > 0
    assert failed["input_tokens"] == run["input_tokens"] > 0
    await assert_costs(talker, over, [failed])


def body_of(text):
    return {"type": "prompt", "messages": [{"role": "system", "content": text}]}


async def test_a_label_that_moves_mid_way_mixes_no_versions(talker, scholar):
    agent = await make_agent(talker)
    path = f"/v1/agents/{agent['id']}"
    template = await made(
        talker, "/v1/templates", {"slug": "asking", "name": "Asking", "body": body_of("The old.")}
    )
    scholar.holds_from = 1
    scholar.holding.clear()
    evaluation = await evaluation_of(talker, CASES, [EXACT])
    kept = {"type": "prompt", "name": "kept", "template": "asking", "label": "draft"}
    targets = ({**AGENT, "label": "draft"}, {**kept, "model": "openai/gpt-4.1-mini"})
    experiment = await begun(talker, evaluation, *targets, concurrency=1)

    async def first_is_held():
        return scholar.asked

    await until(first_is_held)
    pinned = (await got(talker, f"/v1/experiments/{experiment['id']}"))["targets"]
    assert [each["resolved_version"] for each in pinned] == [1, 1]
    assert [each["resolved_id"] for each in pinned] == [agent["id"], template["id"]]
    changed = {"definition": {"instructions": "Say no."}}
    assert (await talker.call("PATCH", path, json=changed)).json()["current_version"] == 2
    path_of_template = f"/v1/templates/{template['id']}"
    answer = await talker.call("PATCH", path_of_template, json={"body": body_of("The new.")})
    assert answer.json()["current_version"] == 2
    scholar.holding.set()
    over = await ended(talker, experiment)
    assert over["status"] == "completed"
    runs = (await got(talker, f"{path}/runs"))["data"]
    assert len(runs) == len(CASES)
    assert {each["result"]["agent_version"] for each in runs} == {1}
    told = json.dumps([each.body for each in scholar.requests])
    assert told.count("Say yes.") == told.count("The old.") == len(CASES)
    assert "Say no." not in told
    assert "The new." not in told


async def test_an_evaluation_leaves_no_memories(talker, scholar):
    settings = {"enabled": True, "model": "openai/gpt-4.1-mini"}
    assert (await talker.call("PATCH", "/v1/memories/settings", json=settings)).status_code == 200
    memory = {"extract": True, "extract_from": "callers"}
    await make_agent(talker, memory=memory, tools=[{"tool": "remember"}])
    call = ("c1", "remember", {"text": "Cases are numbered."})
    scholar.will(say(Said((), calls=(call,))))
    evaluation = await evaluation_of(talker, CASES[:1], [EXACT])
    over = await ended(talker, await begun(talker, evaluation, AGENT))
    (result,) = await results_of(talker, over)
    assert result["tool_calls"] == [
        {"name": "remember", "arguments": {"text": "Cases are numbered."}, "is_error": False}
    ]
    assert (await got(talker, "/v1/memories"))["data"] == []
    assert (await got(talker, "/v1/memories/extractions"))["data"] == []
