"""Judgements of answers, and who learns from them."""

import asyncio
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from app.core.clock import now
from app.core.db import SYSTEM
from app.core.ids import new_id
from app.inference.usage.models import ModelCall
from tests.inference.routing.conftest import planner
from tests.support.identity import new_person
from tests.support.openapi import QUICK

__all__ = ["planner"]


@pytest_asyncio.fixture(loop_scope="session")
async def route(planner):
    return await planner.route("own", "demo/first", "demo/second", strategy="adaptive")


async def made_call(planner, model, run_id=None, **more):
    """A call as the gateway leaves it behind."""
    call_id = new_id()
    values = {
        "provider": "demo", "model": model, "purpose": "gateway", "status": "succeeded",
        "executor_id": "test", "route": "own", "category": "code", "ended_at": now(),
    }  # fmt: skip
    async with planner.database.unit(SYSTEM) as session:
        session.add(
            ModelCall(
                id=call_id,
                workspace_id=planner.workspace_id,
                user_id=UUID(planner.talker.person.user_id),
                run_id=run_id,
                **values | more,
            )
        )
    return str(call_id)


async def judge(planner, expected=201, **body):
    answer = await planner.talker.call("POST", "/v1/feedback", json=body)
    assert answer.status_code == expected, answer.text
    return answer.json()


async def arms(planner, route):
    answer = await planner.talker.call("GET", f"/v1/routes/{route['id']}/learning")
    return {arm["model"]: arm for arm in answer.json()["arms"]}


async def test_a_judgement_of_a_call_teaches_the_route_that_chose_it(planner, route):
    good, bad = await made_call(planner, "first"), await made_call(planner, "second")
    told = await judge(planner, call_id=good, score=1, comment="Just right.")
    assert (told["route_id"], told["category"]) == (route["id"], "code")
    assert told["deployment"] == "demo:first"
    await judge(planner, call_id=bad, score=-1, source="evaluation")
    known = await arms(planner, route)
    assert known["demo/first"]["ratings"] == 1
    assert known["demo/second"]["evaluations"] == 1
    assert known["demo/first"]["mean"] > 0.5 > known["demo/second"]["mean"]
    assert known["demo/first"]["category"] == "code"


async def test_an_answers_call_id_means_the_attempt_that_answered(planner, route):
    request_id = uuid4()
    same = {"request_id": request_id}
    await made_call(planner, "first", status="failed", **same)
    answered = await made_call(planner, "second", attempt=2, **same)
    await made_call(planner, "first", attempt=3, status="cancelled", **same)
    told = await judge(planner, call_id=str(request_id), score=1)
    assert (told["call_id"], told["deployment"]) == (answered, "demo:second")


async def test_a_run_and_a_message_are_judged_by_the_call_that_answered(planner, route):
    chat = await planner.talker.ask("Hello", model=QUICK)
    await made_call(planner, "second", run_id=UUID(chat["run_id"]))
    for about in ({"run_id": chat["run_id"]}, {"message_id": chat["message"]["id"]}):
        told = await judge(planner, score=0.5, **about)
        assert told["deployment"] == "demo:second"
    assert (await arms(planner, route))["demo/second"]["ratings"] == 2


async def test_what_no_route_chose_is_judged_without_anyone_learning(planner, route):
    call = await made_call(planner, "first", route=None)
    told = await judge(planner, call_id=call, score=1)
    assert told["route_id"] is None
    assert await arms(planner, route) == {}


async def test_a_frozen_route_learns_nothing(planner, route):
    await planner.change(route, adaptive={"frozen": True})
    told = await judge(planner, call_id=await made_call(planner, "first"), score=1)
    assert told["route_id"] is None
    assert await arms(planner, route) == {}


async def test_a_dry_run_teaches_nothing(planner, route):
    call = await made_call(planner, "first")
    body = {"call_id": call, "score": 1}
    answer = await planner.talker.call("POST", "/v1/feedback?dry_run=true", json=body)
    assert answer.status_code == 201, answer.text
    assert await arms(planner, route) == {}


async def test_a_repeated_request_counts_once(planner, route):
    call = await made_call(planner, "first")
    for _ in range(2):
        answer = await planner.talker.call(
            "POST",
            "/v1/feedback",
            json={"call_id": call, "score": 1},
            headers={"Idempotency-Key": f"judge-{call}"},
        )
        assert answer.status_code == 201
    assert (await arms(planner, route))["demo/first"]["ratings"] == 1


async def test_who_judges_the_same_again_has_changed_their_mind(planner, route):
    """However often one person judges one call, it counts as one rating: the last."""
    call = await made_call(planner, "first")
    for score in (1, 1, -1, 1, -1):
        told = await judge(planner, call_id=call, score=score)
    known = (await arms(planner, route))["demo/first"]
    assert known["ratings"] == 1
    other = await made_call(planner, "second")
    await judge(planner, call_id=other, score=-1)
    same = (await arms(planner, route))["demo/second"]
    assert (known["ratings"], known["calls"]) == (same["ratings"], same["calls"])
    assert (await arms(planner, route))["demo/first"]["mean"] == same["mean"]
    listed = (await planner.talker.call("GET", f"/v1/feedback?call_id={call}")).json()["data"]
    assert [item["score"] for item in listed] == [-1, 1, -1, 1, 1]
    assert told["route_id"] == route["id"]


async def test_a_person_and_an_evaluation_judge_the_same_each_for_themselves(planner, route):
    call = await made_call(planner, "first")
    for source in ("user", "evaluation", "grader"):
        await judge(planner, call_id=call, score=1, source=source)
    known = (await arms(planner, route))["demo/first"]
    assert (known["ratings"], known["evaluations"]) == (2, 1)


async def test_judgements_of_the_same_at_once_count_as_one(planner, route):
    call = await made_call(planner, "first")
    await asyncio.gather(*(judge(planner, call_id=call, score=1) for _ in range(8)))
    assert (await arms(planner, route))["demo/first"]["ratings"] == 1


@pytest.mark.parametrize("field", ["call_id", "run_id", "message_id"])
async def test_what_is_not_there_cannot_be_judged(planner, field):
    told = await judge(planner, 422, score=1, **{field: str(uuid4())})
    assert told["code"] == "judged_unknown"
    assert told["errors"][0]["pointer"] == f"/body/{field}"


async def test_another_workspace_s_call_cannot_be_judged(planner, client):
    call = await made_call(planner, "first")
    stranger = await new_person(client)
    answer = await client.post(
        "/v1/feedback", json={"call_id": call, "score": 1}, headers=stranger.headers
    )
    assert answer.json()["code"] == "judged_unknown"


@pytest.mark.parametrize(
    "body",
    [
        {"score": 1},
        {"score": 2, "run_id": str(uuid4())},
        {"score": True, "run_id": str(uuid4())},
        {"score": 1, "run_id": str(uuid4()), "call_id": str(uuid4())},
        {"score": 1, "run_id": str(uuid4()), "source": "rumour"},
    ],
)
async def test_what_says_too_little_or_too_much_is_refused(planner, body):
    told = await judge(planner, 422, **body)
    assert told["code"] == "validation_failed"


async def test_judgements_are_listed_by_what_they_are_about(planner):
    one, two = await made_call(planner, "first"), await made_call(planner, "first")
    first = await judge(planner, call_id=one, score=1)
    await judge(planner, call_id=two, score=-1, source="grader")
    listed = (await planner.talker.call("GET", f"/v1/feedback?call_id={one}")).json()["data"]
    assert [item["id"] for item in listed] == [first["id"]]
    shown = await planner.talker.call("GET", f"/v1/feedback/{first['id']}")
    assert shown.json() == first
    graded = (await planner.talker.call("GET", "/v1/feedback?source=grader")).json()["data"]
    assert [item["call_id"] for item in graded] == [two]
