"""A process dies in an experiment: another one goes on, and repeats nothing that has a result."""

from uuid import UUID

import pytest_asyncio

from app.agents.evaluations.experiments import service
from app.agents.evaluations.experiments.schemas import ExperimentCreate
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
from tests.support.identity import new_person, until
from tests.support.runs import Process

CASES = [{"input": f"Case {n}", "expected": "yes"} for n in range(8)]
EXACT = {"name": "exact", "type": "exact"}
MODEL = {"type": "model", "name": "model", "model": "openai/gpt-4.1-mini"}


@pytest_asyncio.fixture(loop_scope="session")
async def talker(client):
    return Talker(client, await new_person(client))


@pytest_asyncio.fixture(loop_scope="session")
async def scholar(talker):
    fake = Scholar({case["input"]: "yes" for case in CASES})
    async with connected(talker, fake):
        yield fake


async def test_a_killed_experiment_goes_on_elsewhere_and_repeats_no_result(
    app, kernel, talker, scholar
):
    scholar.holds_from = 5
    scholar.holding.clear()
    evaluation = await evaluation_of(talker, CASES, [EXACT])
    [work] = [each for each in app.state.agents.works if each.kind == service.KIND]
    process = await Process(kernel, work).start()
    user_id = UUID(talker.person.user_id)
    access = Access(
        UUID(talker.person.workspace_id), user_id, frozenset(Permission), "session", user_id
    )
    new = ExperimentCreate.model_validate({"name": "X", "targets": [MODEL], "concurrency": 1})
    async with kernel.database.unit(access.scope) as session:
        experiment, run = await service.create(
            session, access, process.runs.executor.id, UUID(evaluation["id"]), new
        )
    process.runs.executor.launch(run)
    shown = {"id": str(experiment.id)}

    async def four_there():
        return len(scholar.asked) == 5 and len(await results_of(talker, shown)) == 4

    await until(four_there)
    before = await results_of(talker, shown)
    await process.kill()
    scholar.holding.set()
    await app.state.runs.recovery.sweep()
    experiment = await ended(talker, shown)
    assert (experiment["status"], experiment["results"]["targets"][0]["results"]) == (
        "completed",
        8,
    )
    # Only the case that was under way is asked a second time.
    assert len(scholar.asked) == 9
    assert sorted(scholar.asked)[:9] == sorted([*(c["input"] for c in CASES), "Case 4"])
    after = await results_of(talker, shown)
    assert after[:4] == before


async def test_agents_are_run_graded_and_become_cases(talker, scholar):
    agent = {"slug": "answerer", "name": "Answerer"}
    agent["definition"] = {"instructions": "Say yes.", "model": "openai/gpt-4.1-mini"}
    answer = await talker.call("POST", "/v1/agents", json=agent)
    assert answer.status_code == 201, answer.text
    target = {"type": "agent", "name": "agent", "agent": "answerer"}
    missing = {"type": "agent", "name": "missing", "agent": "nobody"}
    graders = [EXACT, {"name": "steps", "type": "steps", "max_steps": 1}]
    evaluation = await evaluation_of(talker, CASES[:2], graders)
    experiment = await ended(talker, await begun(talker, evaluation, target, missing))
    assert experiment["status"] == "completed"
    by_name = {each["target"]: each for each in experiment["results"]["targets"]}
    results = await results_of(talker, experiment, "&target=agent")
    assert by_name["agent"]["score"] == 1, results
    assert (by_name["missing"]["failed"], by_name["missing"]["score"]) == (2, 0)
    (failed, _) = await results_of(talker, experiment, "&target=missing")
    assert failed["error"]["code"] == "agent_not_found"
    run = await got(talker, f"/v1/runs/{results[0]['run_id']}")
    assert (run["kind"], run["status"]) == ("agent_run", "completed")
    dataset = await made(talker, "/v1/datasets", {"name": "Past"})
    path = f"/v1/datasets/{dataset['id']}/cases/from-runs"
    added = await made(talker, path, {"filter": {"kinds": ["agent_run"]}})
    assert added["added"] == 2, added
    cases = (await got(talker, f"/v1/datasets/{dataset['id']}/cases"))["data"]
    assert {(case["input"], case["expected"]) for case in cases} == {
        ("Case 0", "yes"),
        ("Case 1", "yes"),
    }
