"""What people see of runs, and who sees them."""

from uuid import UUID, uuid4

import pytest_asyncio

from tests.support.chat import Talker
from tests.support.identity import new_key, new_person
from tests.support.kept_runs import BEGAN, Keeper, edge, flow, node, step, wait
from tests.support.teams import new_team

DEFINITION = flow(node("a"), node("b"), edges=[edge("a", "b")])


async def listed(talker, **query):
    answer = await talker.call("GET", "/v1/workflow-runs", params=query)
    assert answer.status_code == 200, answer.text
    return [each["id"] for each in answer.json()["data"]]


async def test_runs_are_listed_newest_first_and_filtered(talker, keeper):
    orders, mails = await keeper.workflow("Order"), await keeper.workflow("Mail")
    one = str(await keeper.run(orders, DEFINITION, labels={"ticket": "T-42"}))
    told = {"status": "failed", "trigger": "cron", "trigger_id": uuid4()}
    two = str(await keeper.run(orders, DEFINITION, after=10, **told))
    three = str(await keeper.run(mails, DEFINITION, after=20, parent_run_id=UUID(one)))
    assert await listed(talker) == [three, two, one]
    assert await listed(talker, order="asc") == [one, two, three]
    for query, expected in (
        ({"workflow": orders.slug}, [two, one]),
        ({"workflow": str(mails.id)}, [three]),
        ({"status": "failed"}, [two]),
        ({"trigger": "cron"}, [two]),
        ({"trigger_id": str(told["trigger_id"])}, [two]),
        ({"trigger_id": str(uuid4())}, []),
        ({"q": "t-42"}, [one]),
        ({"q": "mail"}, [three]),
        ({"q": "%"}, []),
        ({"parent_run_id": one}, [three]),
        ({"until": (BEGAN).isoformat()}, []),
        ({"since": BEGAN.isoformat(), "status": "completed"}, [three, one]),
    ):
        assert await listed(talker, **query) == expected, query
    path, seen = "/v1/workflow-runs", []
    cursor = None
    while True:
        query = {"limit": 1, **({"cursor": cursor} if cursor else {})}
        page = (await talker.call("GET", path, params=query)).json()
        seen += [each["id"] for each in page["data"]]
        cursor = page["next_cursor"]
        if not page["has_more"]:
            break
    assert seen == [three, two, one]


async def test_a_run_says_what_it_waits_for(talker, keeper):
    workflow = await keeper.workflow()
    run_id = await keeper.run(
        workflow,
        DEFINITION,
        status="paused",
        inputs={"order": 7},
        waits=[wait("b", 2), wait("~deadline", 0, kind="time"), wait("a", 0, 1)],
    )
    told = (await talker.call("GET", f"/v1/workflow-runs/{run_id}")).json()
    assert (told["status"], told["inputs"], told["output"]) == ("paused", {"order": 7}, None)
    assert [(each["path"], each["kind"]) for each in told["waits"]] == [("b", "approval")]


async def test_large_values_are_cut_in_lists_and_whole_in_their_step(talker, keeper):
    workflow = await keeper.workflow()
    large = {"text": "ü" * 8000}
    run_id = await keeper.run(
        workflow,
        DEFINITION,
        status="running",
        steps=[
            step("a", 0, 1, output=large, logs=["fetched"]),
            step("b", 1, None, status="started", input=None, output=None),
        ],
    )
    path = f"/v1/workflow-runs/{run_id}/steps"
    begun, done = (await talker.call("GET", path)).json()["data"]
    assert (begun["path"], begun["status"], begun["output"]) == ("b", "started", None)
    assert (done["logs"], done["input"]) == (["fetched"], {})
    assert done["output"]["truncated"] is True
    assert done["output"]["size"] > 16_000
    assert done["output"]["preview"].startswith('{"text": "üü')
    assert len(done["output"]["preview"]) == 500
    whole = (await talker.call("GET", f"{path}/{done['id']}")).json()
    assert whole["output"] == large
    other = await keeper.run(workflow, DEFINITION)
    missing = await talker.call("GET", f"/v1/workflow-runs/{other}/steps/{done['id']}")
    assert (missing.status_code, missing.json()["code"]) == (404, "workflow_step_not_found")
    only = await talker.call("GET", path, params={"node": "b"})
    assert [each["path"] for each in only.json()["data"]] == ["b"]


async def test_the_graph_tells_how_each_node_stands(talker, keeper):
    definition = flow(
        node("a"),
        node("m", type="map", body={"nodes": [node("x")]}),
        node("c", type="condition"),
        node("d"),
        node("e"),
        edges=[
            edge("a", "m"),
            edge("m", "c"),
            edge("c", "d", port="true"),
            edge("c", "e", port="false"),
        ],
    )
    told = {"attempt": 0}
    run_id = await keeper.run(
        await keeper.workflow(),
        definition,
        status="paused",
        steps=[
            step("a", 0, 1),
            step("m[0]/x", 1, 2),
            step("m[1]/x", 1, 2),
            step("m", 1, 2, node_type="map"),
        ],
        waits=[wait("d", 3)],
        events=[
            {"type": "step.completed", "path": "c", "node_id": "c", "port": "true", **told},
            {"type": "step.skipped", "path": "e", "node_id": "e", **told},
            {"type": "run.paused"},
        ],
    )
    graph = (await talker.call("GET", f"/v1/workflow-runs/{run_id}/graph")).json()
    status = {each["id"]: each["status"] for each in graph["nodes"]}
    expected = {"a": "ok", "m": "ok", "x": "ok", "c": "ok", "d": "waiting", "e": "skipped"}
    assert status == expected
    x = next(each for each in graph["nodes"] if each["id"] == "x")
    assert (x["within"], x["ends"], x["attempts"]) == (["m"], {"ok": 2}, 2)
    taken = {(each["from"], each["to"]): each["taken"] for each in graph["edges"]}
    assert taken == {("a", "m"): True, ("m", "c"): True, ("c", "d"): True, ("c", "e"): False}


@pytest_asyncio.fixture(loop_scope="session")
async def team(client, kernel):
    """An owner with runs of a shared and a private workflow; an editor and a viewer beside."""
    owner, editor, viewer = [await new_person(client) for _ in range(3)]
    team = await new_team(client, owner)
    await team.take_in(owner, editor)
    await team.take_in(owner, viewer, "viewer")
    keeper = Keeper(kernel, UUID(team.id), UUID(owner.user_id))
    shared = await keeper.run(await keeper.workflow(), DEFINITION, steps=[step("a", 0, 1)])
    private = await keeper.run(await keeper.workflow(visibility="private"), DEFINITION)
    viewers = await keeper.run(
        await keeper.workflow(visibility="private"), DEFINITION, user_id=UUID(viewer.user_id)
    )
    return team, (owner, editor, viewer), tuple(map(str, (shared, private, viewers)))


async def test_who_sees_a_run(team):
    team, people, runs = team
    shared, private, viewers = runs
    # Whoever may change the workflow, and whoever began the run; reading it is not enough.
    for person, seen in zip(people, ({*runs}, {shared}, {viewers}), strict=True):
        answer = await team.call(person, "GET", "/v1/workflow-runs")
        assert {each["id"] for each in answer.json()["data"]} == seen
        for run_id in runs:
            for rest in ("", "/steps", "/timeline", "/graph"):
                path = f"/v1/workflow-runs/{run_id}{rest}"
                expected = 200 if run_id in seen else 404
                assert (await team.call(person, "GET", path)).status_code == expected, path
            explained = await team.call(person, "POST", f"/v1/runs/{run_id}/explain", {})
            assert explained.status_code == (200 if run_id in seen else 404)
    body = {"a": shared, "b": private}
    refused = await team.call(people[1], "POST", "/v1/workflow-runs/compare", body)
    assert refused.status_code == 404


async def test_a_key_without_the_right_to_change_workflows_sees_its_owners_alone(client, talker):
    key = await new_key(client, talker.person, scopes=["workflows:read"])
    answer = await client.get(
        "/v1/workflow-runs", headers={"Authorization": f"Bearer {key['key']}"}
    )
    assert (answer.status_code, answer.json()["data"]) == (200, [])


async def test_those_of_another_workspace_are_not_there(client, keeper):
    run_id = await keeper.run(await keeper.workflow(), DEFINITION)
    stranger = Talker(client, await new_person(client))
    answer = await stranger.call("GET", f"/v1/workflow-runs/{run_id}")
    assert (answer.status_code, answer.json()["code"]) == (404, "workflow_run_not_found")
