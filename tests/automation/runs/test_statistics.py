"""Numbers over many runs, checked against ones worked out by hand."""

from datetime import timedelta
from decimal import Decimal

from tests.support.kept_runs import BEGAN, failed, flow, node, step

DEFINITION = flow(node("charge"))


async def told(talker, workflow, **query):
    path = f"/v1/workflows/{workflow.id}/statistics"
    answer = await talker.call("GET", path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_runs_and_nodes_of_a_period(talker, keeper):
    workflow = await keeper.workflow()
    for seconds in range(1, 11):  # 1 to 10 seconds, one a minute
        began = 60 * seconds
        steps = [
            step(
                "charge",
                began,
                began + seconds,
                cost_usd=Decimal("0.01"),
                input_tokens=10,
                output_tokens=1,
            )
        ]
        if seconds == 10:
            steps = [
                failed("charge", began, began + 1, retry=began + 2),
                failed("charge", began + 2, began + 10, attempt=1),
            ]
        if seconds == 9:
            steps = [step("charge", began, began, status="cached")]
        await keeper.run(
            workflow,
            DEFINITION,
            after=began,
            seconds=seconds,
            status="failed" if seconds == 10 else "completed",
            cost_usd=Decimal("0.01") if seconds < 9 else Decimal(0),
            steps=steps,
        )
    await keeper.run(workflow, DEFINITION, after=700, status="running")
    # Neither another workflow's runs count, nor those before the period.
    await keeper.run(await keeper.workflow(), DEFINITION, after=100)
    await keeper.run(workflow, DEFINITION, after=-100)
    seen = await told(talker, workflow, since=BEGAN.isoformat())
    assert seen["runs"] == 11
    assert seen["by_status"] == {"completed": 9, "failed": 1, "running": 1}
    assert seen["failure_rate"] == 0.1
    assert seen["seconds"] == {"p50": 5.5, "p90": 9.1, "p95": 9.55, "p99": 9.91}
    assert seen["queue_seconds"]["p99"] == 0
    assert (seen["cost_usd"], seen["truncated"], seen["node_runs"]) == ("0.08", False, 11)
    [charge] = seen["nodes"]
    assert (charge["ends"], charge["attempts"], charge["retries"]) == (10, 11, 1)
    assert (charge["failed"], charge["failure_rate"], charge["cache_hits"]) == (1, 0.1, 1)
    # Of 1 … 8, 1 and 8: what came from the cache is left out.
    assert charge["seconds"]["p50"] == 4.5
    assert (charge["input_tokens"], charge["cost_usd"]) == (80, "0.08")


async def test_nothing_has_run_yet(talker, keeper):
    seen = await told(talker, await keeper.workflow())
    assert (seen["runs"], seen["failure_rate"], seen["nodes"]) == (0, None, [])
    assert set(seen["seconds"].values()) == {None}
    backwards = {
        "since": BEGAN.isoformat(),
        "until": (BEGAN - timedelta(days=1)).isoformat(),
    }
    path = f"/v1/workflows/{(await keeper.workflow()).id}/statistics"
    refused = await talker.call("GET", path, params=backwards)
    assert refused.status_code == 422
