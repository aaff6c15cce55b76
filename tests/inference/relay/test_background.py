"""Responses in the background: paid by what they come to, whether or not anyone listens."""

import asyncio
from uuid import UUID

import httpx2
import orjson
import pytest

from app.core.auth import EVERYTHING
from app.inference.calls.attempt import Attempt
from app.inference.calls.following import Following
from app.inference.calls.wire import Wire
from app.inference.dialects.dialect import OnGoing
from app.inference.gate.call import Load, Settlement
from app.inference.routing.plan import Question
from app.inference.usage.payer import Payer
from tests.inference.relay.asking import calls_of
from tests.support.fakes.base import Said, body_of, raw_stream, silence, status
from tests.support.fakes.openai_responses import USAGE, response_frames, whole_response
from tests.support.identity import until

ASKED = {"input": "Hi", "background": True, "max_output_tokens": 777}


def standing(state, **more):
    """How the provider says that the response stands."""
    told = whole_response(Said(), {"model": "gpt-fake", **ASKED}, status=state) | more
    return body_of(orjson.dumps(told))


async def settled(kernel, ledger, gateway):
    """The one call, once it has ended."""

    async def ended():
        return [
            call for call in await calls_of(kernel, ledger, gateway) if call.status != "started"
        ]

    await until(ended)
    (call,) = await ended()
    return call


async def begin(client, gateway, **more):
    body = {"model": gateway.model, **ASKED, **more}
    answer = await client.post("/openai/v1/responses", json=body, headers=gateway.headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_one_that_was_only_begun_is_paid_when_it_has_ended(client, gateway, kernel, ledger):
    gateway.fake.will(
        standing("queued"), standing("in_progress"), status(503), standing("completed")
    )
    answer = await begin(client, gateway)
    assert answer["status"] == "queued"
    (call,) = await calls_of(kernel, ledger, gateway)
    # Whoever finds it after this process has died takes it for the longest answer.
    assert (call.status, call.output_tokens) == ("started", 777)
    call = await settled(kernel, ledger, gateway)
    assert (call.status, call.input_tokens, call.output_tokens) == ("succeeded", 120, 50)
    assert (call.cached_input_tokens, call.estimated) == (20, False)
    asked = [request.path for request in gateway.fake.requests[1:]]
    assert set(asked) == {"/v1/responses/resp_1"}


async def test_a_stream_that_was_left_is_paid_when_it_has_ended(address, gateway, kernel, ledger):
    gateway.fake.will(silence(7), standing("in_progress"), standing("completed"))
    body = {"model": gateway.model, **ASKED, "stream": True}
    async with (
        httpx2.AsyncClient() as browser,
        browser.stream(
            "POST", f"{address}/openai/v1/responses", json=body, headers=gateway.headers
        ) as answer,
    ):
        async with asyncio.timeout(10):
            seen = b""
            async for piece in answer.aiter_raw():
                seen += piece
                if b"output_text.delta" in seen:
                    break
    call = await settled(kernel, ledger, gateway)
    assert (call.status, call.input_tokens, call.output_tokens) == ("cancelled", 120, 50)


async def test_a_stream_that_was_heard_to_its_end_is_asked_about_no_more(
    client, gateway, kernel, ledger
):
    # Its first word comes apart from its end, as it does of a model.
    frames = response_frames(Said(), {"model": "gpt-fake", **ASKED})
    gateway.fake.will(raw_stream(*frames, pause=0.02))
    body = {"model": gateway.model, **ASKED, "stream": True}
    await client.post("/openai/v1/responses", json=body, headers=gateway.headers)
    call = await settled(kernel, ledger, gateway)
    assert (call.status, call.output_tokens) == ("succeeded", 50)
    assert len(gateway.fake.requests) == 1


@pytest.mark.parametrize(
    ("end", "tokens"),
    [
        (status(404, "Response with id 'resp_1' not found."), 777),
        (standing("failed", error={"code": "server_error", "message": "Oh."}), 0),
        (standing("incomplete", usage=USAGE), 50),
    ],
)
async def test_what_nobody_tells_is_paid_as_the_longest_answer(
    client, gateway, kernel, ledger, end, tokens
):
    """One that was deleted, one that failed, and one that ended early."""
    gateway.fake.will(standing("queued"), end)
    await begin(client, gateway)
    call = await settled(kernel, ledger, gateway)
    assert call.output_tokens == tokens


@pytest.mark.parametrize("seconds", [None, 0, 0.7])
async def test_a_process_that_ends_settles_what_it_still_followed(
    app, gateway, kernel, ledger, seconds
):
    """Before its first question, and with one under way."""
    gateway.fake.will(silence(None))
    inference = app.state.inference
    payer = Payer(UUID(gateway.person.workspace_id), UUID(gateway.person.user_id), "gateway")
    plan = await inference.routes.plan(payer, EVERYTHING, Question(gateway.model, 10))
    admission = await ledger.admit(payer, None, (), plan.candidates, Load(10, 777))
    following = Following(Wire(inference.transport, kernel.settings), ledger)
    url = f"{gateway.fake.url}/v1/responses/resp_1"
    following.settle(
        Attempt(admission.call, 1), Settlement("cancelled"), OnGoing(url, lambda _: None)
    )
    if seconds is not None:
        await asyncio.sleep(seconds)
    await following.close()
    call = await settled(kernel, ledger, gateway)
    assert (call.status, call.output_tokens) == ("cancelled", 777)
