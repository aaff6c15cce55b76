"""Several models answer one prompt side by side."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from app.core.db import SYSTEM
from app.inference.compare.comparing import KIND, Comparing
from app.inference.usage.models import ModelCall
from app.runs.events.errors import RunLost
from tests.support.chat import Talker, connected
from tests.support.fakes.anthropic import FakeAnthropic
from tests.support.fakes.base import Said, drop_after, say, status
from tests.support.fakes.openai import FakeOpenAI
from tests.support.identity import bearer, new_key
from tests.support.runs import processes, read, until

QUESTION = [{"role": "user", "content": "Why is the sky blue?"}]
QUICK = "demo/chat?tokens=5&delay_ms=1"


def asked(*models, **more):
    return {"candidates": [{"model": model} for model in models], "messages": QUESTION, **more}


async def compare(talker, *models, expected=200, **more):
    answer = await talker.call("POST", "/v1/compare", json=asked(*models, **more))
    assert answer.status_code == expected, answer.text
    return answer.json()


async def streamed_comparison(talker, *models, **more):
    body = asked(*models, stream=True)
    return await talker.stream("POST", "/v1/compare", json=body, **more)


async def calls_of(kernel, app, run_id):
    await app.state.inference.gate.flush()
    async with kernel.database.unit(SYSTEM) as session:
        found = select(ModelCall).where(ModelCall.run_id == run_id).order_by(ModelCall.id)
        return list((await session.scalars(found)).all())


def said(streamed, label):
    return "".join(
        event["text"]
        for event in streamed.events
        if event["type"] == "text.delta" and event["label"] == label
    )


async def test_every_candidate_answers_in_one_stream_under_its_label(talker, kernel, app):
    first, second = FakeOpenAI(), FakeAnthropic()
    first.will(say(Said(("It", " scatters"))))
    second.will(say(Said(("Ray", "leigh"))))
    async with connected(talker, first), connected(talker, second):
        streamed = await streamed_comparison(talker, "openai/gpt-4o", "anthropic/claude-sonnet-4-5")
    assert streamed.status == 200
    assert (said(streamed, "A"), said(streamed, "B")) == ("It scatters", "Rayleigh")
    assert streamed.types[-1] == "run.completed"
    ends = {e["label"]: e for e in streamed.events if e["type"] == "candidate.completed"}
    assert {label: end["model"] for label, end in ends.items()} == {
        "A": "openai/gpt-4o", "B": "anthropic/claude-sonnet-4-5",
    }  # fmt: skip
    assert all(end["first_token_ms"] is not None for end in ends.values())
    result = streamed.events[-1]["result"]
    kept = (await talker.call("GET", f"/v1/compare/{result['comparison_id']}")).json()
    assert [one["text"] for one in kept["candidates"]] == ["It scatters", "Rayleigh"]
    assert kept["status"] == "completed"
    calls = await calls_of(kernel, app, kept["run_id"])
    assert [call.purpose for call in calls] == ["compare", "compare"]
    billed = sum(float(one["cost_usd"]) for one in kept["candidates"])
    assert billed > 0
    assert billed == pytest.approx(float(sum(call.cost_usd for call in calls)))
    run = (await talker.call("GET", f"/v1/runs/{kept['run_id']}")).json()
    assert float(run["cost_usd"]) == pytest.approx(billed)


async def test_one_that_fails_does_not_end_the_others(talker):
    failing, good = FakeOpenAI(), FakeAnthropic()
    failing.will(*[status(401)] * 4)
    async with connected(talker, failing), connected(talker, good):
        streamed = await streamed_comparison(talker, "openai/gpt-4o", "anthropic/claude-x")
    (failed,) = [e for e in streamed.events if e["type"] == "candidate.failed"]
    assert (failed["label"], failed["error"]["code"]) == ("A", "provider_auth_failed")
    assert streamed.types[-1] == "run.completed"
    assert said(streamed, "B") == "Hello, wörld 🌍"


async def test_where_nobody_answers_the_run_fails_and_each_tells_why(talker):
    kept = await compare(talker, "demo/unauthorized", "demo/content-filter")
    assert kept["status"] == "failed"
    codes = [one["error"]["code"] for one in kept["candidates"]]
    assert codes == ["provider_auth_failed", "content_filtered"]
    run = (await talker.call("GET", f"/v1/runs/{kept['run_id']}")).json()
    assert run["error"]["code"] == "nothing_answered"


async def test_a_seam_in_one_answer_is_told_with_its_label(talker):
    first, second = FakeOpenAI(), FakeAnthropic()
    first.will(drop_after(3))
    second.will(say(Said((" and", " on"))), say(Said(("Other",))))
    async with connected(talker, first), connected(talker, second):
        body = {"slug": "pair", "candidates": [{"model": "openai/m"}, {"model": "anthropic/m"}]}
        await talker.call("POST", "/v1/routes", json=body)
        kept = await compare(talker, "pair", "demo/chat?tokens=1&delay_ms=0")
    answer = kept["candidates"][0]
    (seam,) = answer["seams"]
    assert (seam["from"], seam["to"]) == ("openai/m", "anthropic/m")
    assert answer["text"][seam["offset"] :] in (" and on", "Other")
    assert answer["route"] == "pair"


async def test_an_unknown_model_is_refused_before_anything_is_asked(talker):
    refused = await compare(talker, QUICK, "nobody/nothing", expected=422)
    assert refused["code"] == "model_unknown"


@pytest.mark.parametrize(
    "body",
    [
        asked(QUICK),
        asked(*[QUICK] * 9),
        {**asked(QUICK, QUICK), "messages": []},
        {
            "candidates": [{"model": QUICK, "label": "A"}, {"model": QUICK, "label": "A"}],
            "messages": QUESTION,
        },
    ],
)
async def test_what_cannot_be_compared_is_refused(talker, body):
    answer = await talker.call("POST", "/v1/compare", json=body)
    assert answer.status_code == 422


async def test_a_stream_that_broke_off_goes_on_and_starts_nothing_new(talker):
    whole = await streamed_comparison(talker, QUICK, QUICK, most=4)
    rest = await streamed_comparison(talker, QUICK, QUICK, headers={"Last-Event-ID": whole.ids[-1]})
    assert rest.ids[0].endswith(":5")
    assert rest.types[-1] == "run.completed"
    assert rest.headers["x-run-id"] == whole.headers["x-run-id"]
    assert len((await talker.call("GET", "/v1/compare")).json()["data"]) == 1


async def test_a_cancelled_comparison_keeps_what_was_said(talker):
    slow = "demo/chat?tokens=500&delay_ms=20"
    begun = await streamed_comparison(talker, slow, slow, most=8)
    run_id = begun.headers["x-run-id"]
    await talker.call("POST", f"/v1/runs/{run_id}/cancel")
    ended = await talker.stream("GET", f"/v1/runs/{run_id}/events")
    assert ended.types[-1] == "run.cancelled"
    kept = (await talker.call("GET", "/v1/compare")).json()["data"][0]
    assert kept["status"] == "cancelled"
    assert {one["status"] for one in kept["candidates"]} == {"cancelled"}
    assert any(one["text"] for one in kept["candidates"])


async def test_a_dry_run_tells_what_each_would_cost_and_asks_nobody(talker):
    async with connected(talker, FakeOpenAI()) as slug:
        model = f"{slug}/gpt-4o"
        answer = await talker.call("POST", "/v1/compare?dry_run=true", json=asked(model, QUICK))
    told = answer.json()
    assert told["object"] == "comparison_estimate"
    assert float(told["candidates"][0]["input_cost_usd"]) > 0
    assert (await talker.call("GET", "/v1/compare")).json()["data"] == []


async def choose(talker, comparison, label, expected=200):
    path = f"/v1/compare/{comparison['id']}/choice"
    answer = await talker.call("POST", path, json={"label": label, "comment": "Clearer."})
    assert answer.status_code == expected, answer.text
    return answer.json()


async def test_the_choice_is_made_once_and_teaches_the_adaptive_route(talker):
    async with connected(talker, FakeOpenAI()):
        models = ["openai/first", "openai/second"]
        body = {
            "slug": "own",
            "candidates": [{"model": model} for model in models],
            "strategy": "adaptive",
        }
        route = (await talker.call("POST", "/v1/routes", json=body)).json()
        kept = await compare(talker, *models, teaches="own")
    chosen = await choose(talker, kept, "B")
    assert (chosen["choice"], chosen["comment"]) == ("B", "Clearer.")
    told = (await talker.call("GET", "/v1/feedback")).json()["data"]
    scores = {one["deployment"].partition(":")[2]: one["score"] for one in told}
    assert scores == {"first": -1.0, "second": 1.0}
    assert {one["route_id"] for one in told} == {route["id"]}
    arms = (await talker.call("GET", f"/v1/routes/{route['id']}/learning")).json()["arms"]
    assert {arm["model"]: arm["ratings"] for arm in arms} == dict.fromkeys(models, 1)
    again = await choose(talker, kept, "A", expected=409)
    assert again["code"] == "choice_made"


async def test_only_an_answer_that_came_can_win(talker):
    kept = await compare(talker, "demo/unauthorized", QUICK)
    assert (await choose(talker, kept, "A", expected=422))["code"] == "choice_invalid"
    assert (await choose(talker, kept, "Z", expected=422))["code"] == "choice_invalid"


async def test_a_deleted_comparison_can_be_restored(talker):
    kept = await compare(talker, QUICK, QUICK)
    path = f"/v1/compare/{kept['id']}"
    assert (await talker.call("DELETE", path)).status_code == 204
    assert (await talker.call("GET", path)).status_code == 404
    assert (await talker.call("POST", f"{path}/restore")).json()["id"] == kept["id"]
    assert (await talker.call("GET", path)).status_code == 200


async def test_after_a_crash_the_rest_goes_on_and_nothing_is_paid_twice(talker, kernel, app):
    """What is done stays done; what was under way is asked to go on where it stopped."""
    begun = await streamed_comparison(talker, QUICK, "demo/chat?tokens=200&delay_ms=20", most=12)
    run_id = begun.headers["x-run-id"]
    running = app.state.runs
    (active,) = [one for key, one in running.executor._active.items() if str(key) == run_id]
    await until(lambda: any(e.type == "candidate.completed" for e in active.log.events))
    run = active.run
    events = await taken_over(kernel, app, active)
    kinds = [event.type for event in events]
    assert kinds[-1] == "run.completed"
    assert kinds.count("run.resumed") == 1
    assert [e.body["label"] for e in events if e.type == "failover"] == ["B"]
    assert sorted(e.body["label"] for e in events if e.type == "candidate.completed") == ["A", "B"]
    calls = await calls_of(kernel, app, run_id)
    assert all(call.ended_at is not None for call in calls)
    assert len(calls) == 3
    told = events[-1].body["usage"]
    assert sum(call.output_tokens for call in calls) == told["output_tokens"]
    assert sum(call.input_tokens for call in calls) == told["input_tokens"]
    assert run.kind == KIND


async def taken_over(kernel, app, active):
    """Stop a run's worker, have another process go on with it, and give the whole log."""
    running, run = app.state.runs, active.run
    active.stop(RunLost())
    await until(lambda: run.id not in running.executor._active)
    async with processes(kernel, Comparing(kernel.database, app.state.inference.calls)) as (other,):
        async with kernel.database.unit(SYSTEM) as session:
            stolen = await session.get(type(run), run.id)
            stolen.executor_id = None
        await other.runs.recovery.sweep()
        return await read(other.runs, run)


async def test_after_a_crash_a_keys_rules_hold_on(talker, client, kernel, app):
    """The process that goes on asks nobody whom the key may not ask."""
    slow = "demo/chat?tokens=200&delay_ms=20"
    key = await new_key(client, talker.person, models=["demo/*"])
    async with connected(talker, FakeOpenAI()) as slug:
        route = {"slug": "pair", "candidates": [{"model": f"{slug}/m"}, {"model": slow}]}
        made = await talker.call("POST", "/v1/routes", json=route)
        assert made.status_code == 201, made.text
        keyed = Talker(client, replace(talker.person, headers=bearer(key["key"])))
        begun = await streamed_comparison(keyed, "pair", slow, most=8)
        run_id = begun.headers["x-run-id"]
        found = app.state.runs.executor._active.items()
        (active,) = [one for name, one in found if str(name) == run_id]
        events = await taken_over(kernel, app, active)
    assert events[-1].type == "run.completed"
    calls = await calls_of(kernel, app, run_id)
    assert {call.provider for call in calls} == {"demo"}
    assert {str(call.api_key_id) for call in calls} == {key["id"]}


async def test_a_log_that_takes_no_more_stops_every_candidate(talker, kernel, app, monkeypatch):
    monkeypatch.setattr("app.runs.events.log.MAX_BYTES", 4000)
    endless = "demo/chat?tokens=20000&delay_ms=5"
    kept = await compare(talker, endless, endless)
    run = (await talker.call("GET", f"/v1/runs/{kept['run_id']}")).json()
    assert run["error"]["code"] == "run_output_too_large"
    calls = await calls_of(kernel, app, kept["run_id"])
    assert {call.status for call in calls} == {"cancelled"}
