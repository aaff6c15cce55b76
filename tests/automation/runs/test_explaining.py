"""Why a run failed: findings with evidence, and a model that is held to them."""

import json

from tests.support.chat import connected
from tests.support.fakes.base import Said, say
from tests.support.fakes.openai import FakeOpenAI
from tests.support.kept_runs import at, edge, failed, flow, node, step, wait

SETTINGS = {"with": {"url": "https://pay.example.com/{{ nodes.quote.output.id }}"}}
DEFINITION = flow(
    node("quote"), node("charge", **SETTINGS), node("mail"), edges=[edge("quote", "charge")]
)


def failure(path="charge", code="http_status"):
    return {
        "type": "/docs/errors#workflow_failed", "title": "A step of the workflow failed",
        "status": 422, "detail": f"`{path}`: It answered 503.", "instance": None,
        "code": "workflow_failed", "request_id": None, "retryable": False, "retry_after": None,
        "errors": [{"pointer": f"/steps/{path}", "code": code, "detail": "It answered 503."}],
    }  # fmt: skip


async def explain(talker, run_id, **body):
    answer = await talker.call("POST", f"/v1/runs/{run_id}/explain", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def failing(keeper, **more):
    """A run of a second version that fails where the first one has always succeeded."""
    workflow = await keeper.workflow()
    before = flow(node("quote"), node("charge"), node("mail"), edges=[edge("quote", "charge")])
    for number in range(4):
        steps = [step("quote", 0, 1), step("charge", 1, 2)]
        last = await keeper.run(workflow, before, after=100 * number, steps=steps)
    run_id = await keeper.run(
        workflow,
        DEFINITION,
        after=500,
        workflow_version=2,
        status="failed",
        error=failure(),
        steps=[
            step("quote", 500, 501, output=None),
            failed("mail", 500, 501, code="unreachable"),
            failed("charge", 502, 503, retry=504),
            failed("charge", 504, 505, attempt=1, input={"url": "https://pay.example.com/null"}),
        ],
        events=[
            {"type": "step.retrying", "path": "charge", "attempt": 0, "node_id": "charge"},
            {"type": "run.resumed"},
            {"type": "step.failed", "path": "charge", "attempt": 1, "node_id": "charge"},
        ],
        **more,
    )
    return run_id, last


async def test_it_tells_what_failed_and_on_which_evidence(talker, keeper):
    run_id, last_good = await failing(keeper)
    told = await explain(talker, run_id)
    steps = (await talker.call("GET", f"/v1/workflow-runs/{run_id}/steps")).json()["data"]
    ids = {(each["path"], each["attempt"]): each["id"] for each in steps}
    findings = {each["code"]: each for each in told["findings"]}
    assert list(findings) == [
        "step_failed", "no_retry", "first_failure", "changed_since_success", "upstream_empty",
        "step_handled",
    ]  # fmt: skip
    culprit = findings["step_failed"]
    assert told["summary"] == culprit["detail"]
    assert (culprit["path"], culprit["evidence"]["step_ids"]) == ("charge", [ids["charge", 1]])
    assert culprit["evidence"]["seqs"] == [1, 3]
    assert culprit["evidence"]["values"]["input"] == {"url": "https://pay.example.com/null"}
    assert findings["upstream_empty"]["path"] == "quote"
    changed = findings["changed_since_success"]["evidence"]
    assert changed["run_ids"] == [str(last_good)]
    assert {each["pointer"] for each in changed["values"]["changes"]} == {"/nodes/1/with/url"}
    advice = {each["code"]: each for each in told["advice"]}
    assert {"retry", "rerun_changed", "add_retry", "earlier_version", "look_upstream"} <= {*advice}
    assert advice["earlier_version"]["body"] == {"version": 1}
    assert advice["rerun_changed"]["body"] == {"from": ["charge"]}
    known = {each["id"] for each in told["findings"]}
    assert all(set(each["because"]) <= known and each["because"] for each in advice.values())
    assert told["words"] is None


async def test_a_node_that_always_fails_is_told_apart(talker, keeper):
    workflow = await keeper.workflow()
    for number in range(4):
        run_id = await keeper.run(
            workflow,
            DEFINITION,
            after=100 * number,
            status="failed",
            error=failure("m[1]/charge"),
            steps=[failed("m[1]/charge", 1, 2), failed("m", 0, 2, node_type="map")],
        )
    told = await explain(talker, run_id)
    codes = [each["code"] for each in told["findings"]]
    assert "fails_always" in codes
    # The container failed by its step: it is not another failure.
    assert "step_handled" not in codes
    counted = next(each for each in told["findings"] if each["code"] == "fails_always")["evidence"]
    assert counted["values"] == {"ends": 3, "failed": 3, "with_this_code": 3}
    assert len(counted["run_ids"]) == 3


async def test_a_run_that_waits_or_failed_by_itself(talker, keeper):
    workflow = await keeper.workflow()
    paused = await keeper.run(
        workflow, DEFINITION, status="paused", waits=[wait("mail", 1, until=at(9000))]
    )
    told = await explain(talker, paused)
    assert [each["code"] for each in told["findings"]] == ["waiting"]
    assert told["advice"][0]["operation_id"] == "tasks_decide"
    error = {**failure(), "code": "workflow_timed_out", "detail": "Too long.", "errors": []}
    late = await keeper.run(workflow, DEFINITION, status="failed", error=error)
    told = await explain(talker, late)
    assert told["findings"][0]["code"] == "run_failed"
    assert told["advice"][0]["code"] == "workflow_timed_out"
    fine = await explain(talker, await keeper.run(workflow, DEFINITION))
    assert (fine["findings"], fine["summary"]) == ([], "Nothing of it has failed.")


async def test_a_model_says_only_what_it_has_findings_for(talker, keeper):
    run_id, _ = await failing(keeper)
    words = {
        "summary": "The quote was empty.",
        "causes": [
            {"text": "The quote gave no id.", "because": ["F5", "F1"]},
            {"text": "The moon was full.", "because": []},
            {"text": "The network was down.", "because": ["F99"]},
        ],
        "advice": [{"text": "Check the quote first.", "because": ["F5"]}],
    }
    fake = FakeOpenAI()
    async with connected(talker, fake) as slug:
        fake.will(say(Said((json.dumps(words),))))
        told = await explain(talker, run_id, model=f"{slug}/gpt-4o", question="Why null?")
        said = told["words"]
        assert [each["text"] for each in said["causes"]] == ["The quote gave no id."]
        assert (said["left_out"], len(said["advice"])) == (2, 1)
        assert said["input_tokens"] > 0
        shown = str(fake.last.body["messages"])
        assert "upstream_empty" in shown
        assert "Why null?" in shown
        fake.will(say(Said(("I would rather not.",))))
        body = {"model": f"{slug}/gpt-4o"}
        refused = await talker.call("POST", f"/v1/runs/{run_id}/explain", json=body)
        assert (refused.status_code, refused.json()["code"]) == (422, "workflow_explanation_failed")
