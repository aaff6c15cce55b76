"""What could come next, and what is done again and again."""

import json
from datetime import timedelta
from uuid import uuid4

from app.agents.runtime.models import Execution, ExecutionStep
from app.core.clock import now
from app.core.db import SYSTEM
from app.runs.runs.models import Run
from tests.automation.generation.conftest import MODEL, told
from tests.support.chat import Talker, connected
from tests.support.fakes.openai import FakeOpenAI
from tests.support.identity import new_person
from tests.support.kept_runs import BEGAN, edge, flow, node

FLOW = flow(node("fetch"), {"id": "last", "type": "transform", "with": {"value": 1}},
            edges=[edge("fetch", "last")])  # fmt: skip
OTHER = uuid4()
MORNING = (now() - timedelta(days=1)).replace(hour=8, minute=3, second=0, microsecond=0)


async def suggested(talker, *, expect=200, **wanted):
    answer = await talker.call("POST", "/v1/workflows/suggest", json={"from": wanted})
    assert answer.status_code == expect, answer.text
    if expect != 200:
        return answer.json()
    run = answer.json()
    assert run["status"] == "completed", run["error"]
    return run["result"]


async def behaviour(talker, **more):
    return await suggested(talker, kind="behaviour", **more)


def proposal(node_, **more):
    said = {"port": "out", "why": "It helps.", "words": "", "confidence": 0.5}
    return {"node": json.dumps(node_), **said, **more}


async def test_next_nodes_are_checked_where_they_would_stand(talker):
    made = {
        "name": "Known",
        "definition": flow(
            node("a"), {"id": "b", "type": "wait", "with": {"for": "1h"}}, edges=[edge("a", "b")]
        ),
    }
    known = (await talker.call("POST", "/v1/workflows", json=made)).json()
    fake = FakeOpenAI()
    fake.will(*told({"suggestions": [
        proposal({"id": "nap", "type": "wait", "with": {"for": "2h"}}, words="wait a while"),
        proposal({"id": "say", "type": "transform",
                  "with": {"value": "{{ nodes.fetch.output.body }}"}}, confidence=0.9),
        proposal({"id": "odd", "type": "transform",
                  "with": {"value": "{{ nodes.last.output }}"}}),
        proposal({"id": "fetch", "type": "wait", "with": {"for": "2h"}}),
        proposal("no node"),
    ]}))  # fmt: skip
    async with connected(talker, fake):
        told_ = await suggested(
            talker, kind="definition", definition=FLOW, after="fetch", model=MODEL,
            goal="Then wait a  while.",
        )  # fmt: skip
    assert [each["node"]["id"] for each in told_["nodes"]] == ["say", "nap"]
    nap = told_["nodes"][1]
    assert nap["edge"] == {"from": "fetch", "to": "nap", "port": "out"}
    assert nap["evidence"] == {
        "words": {"text": "wait a  while", "start": 5, "end": 18},
        "workflows": 1, "workflow_ids": [known["id"]],
    }  # fmt: skip
    assert len(told_["left_out"]) == 3
    assert all(each["errors"] for each in told_["left_out"])
    assert told_["usage"]["input_tokens"] > 0
    unknown = await suggested(talker, kind="definition", definition=FLOW, after="gone", expect=422)
    assert unknown["errors"][0]["pointer"] == "/body/from/after"
    broken = await suggested(talker, kind="definition", definition={"dsl": "flow/1"}, expect=422)
    assert broken["errors"][0]["pointer"].startswith("/body/from/definition")


async def start(keeper, workflow, moment, **more):
    return await keeper.run(workflow, FLOW, after=(moment - BEGAN).total_seconds(), **more)


async def test_a_start_by_hand_every_morning_suggests_a_time(talker, keeper, client):
    made = await talker.call("POST", "/v1/workflows", json={"name": "Report", "definition": FLOW})
    report, other = _Workflow(made.json()), await keeper.workflow("Other")
    runs = []
    for day in range(5):
        inputs = {"team": "blue", "day": day, "api_key": "sk-abcdefghijklmnopqrstuvwxyz012345"}
        moment = MORNING - timedelta(days=day) + timedelta(minutes=day)
        runs.append(await start(keeper, report, moment, inputs=inputs))
        # What a trigger begins is nobody's habit.
        await start(keeper, other, moment + timedelta(hours=2), trigger="cron")
    seen = await behaviour(talker, time_zone="UTC")
    [found] = seen["automations"]
    assert found["kind"] == "schedule"
    body = found["trigger"]
    assert body["on"] == {"kind": "cron", "expression": body["on"]["expression"],
                          "time_zone": "UTC"}  # fmt: skip
    assert body["on"]["expression"].startswith("5 8 * * ")
    # Neither what varies nor a secret is written out.
    assert body["inputs"] == {"team": "blue"}
    assert sorted(found["varying"]) == ["api_key", "day"]
    assert body["enabled"] is False
    assert found["evidence"]["support"] == 5
    assert set(found["evidence"]["run_ids"]) == {str(each) for each in runs}
    made = await talker.call("POST", "/v1/workflow-triggers", json=body)
    assert made.status_code == 201, made.text
    assert (await behaviour(talker, support=6))["automations"] == []
    stranger = Talker(client, await new_person(client))
    nothing = await behaviour(stranger, whose="visible")
    assert (nothing["automations"], nothing["looked_at"]["workflow_runs"]) == ([], 0)


async def test_others_runs_count_only_where_they_are_asked_for_and_seen(talker, keeper):
    report = await keeper.workflow("Report")
    for day in range(4):
        moment = MORNING - timedelta(days=day)
        await start(keeper, report, moment, user_id=OTHER)
    assert (await behaviour(talker))["looked_at"]["workflow_runs"] == 0
    seen = await behaviour(talker, whose="visible")
    assert [each["kind"] for each in seen["automations"]] == ["schedule"]


async def test_what_follows_one_another_suggests_a_workflow(talker, keeper):
    made = []
    for name in ("first", "second"):
        body = {"name": name, "slug": name, "definition": FLOW}
        made.append((await talker.call("POST", "/v1/workflows", json=body)).json())
    rows = [_Workflow(each) for each in made]
    for turn in range(3):
        moment = MORNING - timedelta(days=turn, hours=4 * turn)
        await start(keeper, rows[0], moment, inputs={"team": "blue"})
        later = moment + timedelta(minutes=10)
        await start(keeper, rows[1], later, inputs={"count": turn})
    fake = FakeOpenAI()
    words = [{"id": "S1", "name": "Both at once", "why": "One start less."},
             {"id": "S9", "name": "Invented", "why": "Nobody saw it."}]  # fmt: skip
    fake.will(*told({"automations": words}))
    async with connected(talker, fake):
        seen = await behaviour(talker, words=True, model=MODEL)
    [found] = [each for each in seen["automations"] if each["kind"] == "chain"]
    assert (found["name"], found["evidence"]["support"]) == ("Both at once", 3)
    assert "begun one after the other 3 of 3 times" in found["why"]
    assert found["errors"] == []
    nodes = found["definition"]["nodes"]
    assert [each["with"]["workflow"] for each in nodes] == ["first", "second"]
    assert nodes[0]["with"]["inputs"] == {"team": "blue"}
    assert nodes[1]["with"]["inputs"] == {"count": "{{ inputs.second_count }}"}
    assert seen["usage"]["output_tokens"] > 0


class _Workflow:
    def __init__(self, made):
        self.id, self.slug, self.name = made["id"], made["slug"], made["name"]


async def test_tools_that_an_agent_calls_in_a_row_suggest_a_workflow(talker, keeper, kernel):
    tools = (await talker.call("GET", "/v1/tools", params={"ready": True})).json()["data"]
    names = {each["reference"]: each["name"] for each in tools}
    for turn in range(3):
        await _execution(kernel, keeper, [
            (names["calculator"], {"expression": "1 + 1"}),
            (names["date_time"], {"zone": f"Etc/GMT-{turn + 1}"}),
        ])  # fmt: skip
    seen = await behaviour(talker)
    assert seen["looked_at"]["tool_calls"] == 6
    [found] = seen["automations"]
    assert found["kind"] == "tools"
    first, second = found["definition"]["nodes"]
    assert first["with"]["arguments"] == {"expression": "1 + 1"}
    assert second["with"]["arguments"] == {"zone": "{{ inputs.date_time_zone }}"}
    assert found["errors"] == []


async def _execution(kernel, keeper, calls):
    run_id, moment = uuid4(), now() - timedelta(hours=1)
    ids = {"workspace_id": keeper.workspace_id, "user_id": keeper.user_id}
    async with kernel.database.unit(SYSTEM) as session:
        session.add(Run(id=run_id, kind="kept", status="completed", input={}, created_at=moment,
                        ended_at=moment, **ids))  # fmt: skip
        session.add(Execution(
            id=run_id, agent_slug="helper", agent_name="Helper", agent_id=uuid4(), definition={},
            messages=[], purpose="agent_run", conversation_id=uuid4(), **ids))  # fmt: skip
        await session.flush()
        for number, (name, arguments) in enumerate(calls, 1):
            session.add(ExecutionStep(
                workspace_id=keeper.workspace_id, execution_id=run_id, number=number,
                call_id=f"c{number}", kind="tool", agent_slug="helper", name=name, status="ended",
                arguments=arguments, started_at=moment + timedelta(seconds=number)))  # fmt: skip
