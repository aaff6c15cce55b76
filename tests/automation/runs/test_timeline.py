"""Where a run's time went, to the second, of runs whose times are known."""

import pytest

from tests.support.kept_runs import edge, failed, flow, node, step, wait

BODY = flow(node("fetch"), node("send"), edges=[edge("fetch", "send")])


async def timeline(talker, run_id):
    answer = await talker.call("GET", f"/v1/workflow-runs/{run_id}/timeline")
    assert answer.status_code == 200, answer.text
    return answer.json()


def seconds(attempt):
    return [attempt[f"{name}_seconds"] for name in ("queue", "run", "wait")]


async def test_queue_run_and_wait_of_each_attempt(talker, keeper):
    definition = flow(
        node("charge"),
        node("ask", type="approval"),
        node("ship"),
        edges=[edge("charge", "ask"), edge("ask", "ship")],
    )
    workflow = await keeper.workflow()
    run_id = await keeper.run(
        workflow,
        definition,
        seconds=30,
        steps=[
            failed("charge", 1, 3, ready=0, retry=8),
            step("charge", 8, 9, attempt=1, cost_usd=None),
            # A process went on with it once it was decided; it had waited since second 9.
            step("ask", 24, 25, node_type="approval"),
            step("ship", 27, 30, ready=25),
        ],
        waits=[wait("ask", 9, 24), wait("~deadline", 0, 30, kind="time", node_id="")],
    )
    told = await timeline(talker, run_id)
    nodes = {each["path"]: each for each in told["nodes"]}
    assert list(nodes) == ["charge", "ask", "ship"]
    assert [seconds(each) for each in nodes["charge"]["attempts"]] == [[1, 2, 5], [0, 1, 0]]
    assert [seconds(each) for each in nodes["ask"]["attempts"]] == [[0, 1, 15]]
    assert [seconds(each) for each in nodes["ship"]["attempts"]] == [[2, 3, 0]]
    totals = told["totals"]
    assert [totals[f"{name}_seconds"] for name in ("queue", "run", "wait")] == [3, 7, 20]
    assert (totals["attempts"], totals["retries"], totals["cost_usd"]) == (4, 1, None)
    assert (told["seconds"], told["truncated"]) == (30, False)


async def test_containers_hold_what_is_within_and_the_critical_path_leads_through_them(
    talker, keeper
):
    definition = flow(
        node("list"),
        node("each", type="map", body={"nodes": BODY["nodes"], "edges": BODY["edges"]}),
        node("shape", type="transform", **{"with": {"value": 1}}),
        node("quick"),
        node("report"),
        edges=[
            edge("list", "each"),
            edge("each", "shape"),
            edge("shape", "report"),
            edge("list", "quick"),
            edge("quick", "report"),
        ],
    )
    workflow = await keeper.workflow()
    run_id = await keeper.run(
        workflow,
        definition,
        seconds=22,
        steps=[
            step("list", 0, 1),
            step("quick", 1, 2),
            step("each[0]/fetch", 1, 3),
            step("each[0]/send", 3, 4),
            # One at once: the second item begins as the first has ended.
            step("each[1]/fetch", 4, 10),
            step("each[1]/send", 10, 20),
            step("each", 1, 20, node_type="map"),
            step("report", 20, 22),
        ],
    )
    told = await timeline(talker, run_id)
    nodes = {each["path"]: each for each in told["nodes"]}
    assert list(nodes) == ["list", "quick", "each", "report"]
    within = [each["path"] for each in nodes["each"]["children"]]
    assert within == ["each[0]/fetch", "each[0]/send", "each[1]/fetch", "each[1]/send"]
    assert [(each["path"], each["seconds"]) for each in told["critical_path"]] == [
        ("list", 1),
        ("each[0]/fetch", 2),
        ("each[0]/send", 1),
        ("each[1]/fetch", 6),
        ("each[1]/send", 10),
        ("report", 2),
    ]
    # The container's own time is that of what it holds, and does not count again.
    assert told["totals"]["run_seconds"] == 23


@pytest.mark.parametrize("status", ["running", "paused"])
async def test_a_run_under_way_is_measured_up_to_now(talker, keeper, status):
    definition = flow(
        node("t", type="try", body={"nodes": [node("work"), node("ask", type="approval")]}),
    )
    workflow = await keeper.workflow()
    run_id = await keeper.run(
        workflow,
        definition,
        status=status,
        steps=[step("t/work", 0, 2)],
        waits=[wait("t/ask", 5)],
    )
    told = await timeline(talker, run_id)
    [container] = told["nodes"]
    assert (container["path"], container["node_type"], container["attempts"]) == ("t", "try", [])
    ask = next(each for each in container["children"] if each["path"] == "t/ask")
    [waiting] = ask["attempts"]
    assert (waiting["status"], waiting["step_id"]) == ("waiting", None)
    assert waiting["wait_seconds"] > 3000
    assert told["seconds"] > 3000
