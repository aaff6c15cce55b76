"""Anthropic's own client makes message batches over any provider."""

import asyncio

import anthropic
import pytest

from tests.inference.relay.conftest import FAKES, gateway, open_gateway
from tests.support.fakes.anthropic_batches import FakeAnthropicBatches
from tests.support.fakes.base import silence, status

__all__ = ["gateway"]

# Anthropic's own batches carry them out where they can; others are asked request by request.
every_vendor = pytest.mark.parametrize(
    "fake", [FAKES["openai"], FakeAnthropicBatches, FAKES["gemini"]]
)
HELLO = [{"role": "user", "content": "Hello"}]


def claude_of(gateway, address):
    return anthropic.AsyncAnthropic(
        base_url=f"{address}/anthropic", api_key=gateway.key, max_retries=0, timeout=20
    )


@pytest.fixture
async def claude(gateway, address):
    async with claude_of(gateway, address) as client:
        yield client


def asked(gateway, *names):
    params = {"model": gateway.model, "max_tokens": 99, "messages": HELLO}
    return [{"custom_id": name, "params": params} for name in names]


async def make(claude, gateway, *names):
    return await claude.messages.batches.create(requests=asked(gateway, *names))


async def ended(claude, batch):
    async with asyncio.timeout(30):
        while batch.processing_status != "ended":
            await asyncio.sleep(0.05)
            batch = await claude.messages.batches.retrieve(batch.id)
    return batch


async def results_of(claude, batch):
    return [each async for each in await claude.messages.batches.results(batch.id)]


@every_vendor
async def test_requests_are_answered_and_read(client, address, fake):
    async with fake() as vendor:
        gateway = await open_gateway(client, address, vendor)
        async with claude_of(gateway, address) as claude:
            await expect_answers(claude, gateway)


async def expect_answers(claude, gateway):
    batch = await make(claude, gateway, "one", "two")
    assert (batch.type, batch.request_counts.processing) == ("message_batch", 2)
    assert batch.results_url is None
    done = await ended(claude, batch)
    counts = done.request_counts
    assert (counts.processing, counts.succeeded, counts.errored) == (0, 2, 0)
    assert done.ended_at >= done.created_at
    results = await results_of(claude, done)
    assert [each.custom_id for each in results] == ["one", "two"]
    for each in results:
        assert each.result.type == "succeeded"
        assert each.result.message.content[0].text == "Hello, wörld 🌍"
        assert each.result.message.usage.output_tokens == 50


@pytest.mark.parametrize("paced", [False, True])
async def test_betas_go_to_anthropic_with_the_requests(client, address, paced):
    betas = ["context-1m-2025-08-07", "skills-2025-10-02"]
    async with FakeAnthropicBatches() as vendor:
        gateway = await open_gateway(client, address, vendor)
        # Requests of a batch that is not taken are asked one by one.
        vendor.will(*[status(400)] * paced)
        async with claude_of(gateway, address) as claude:
            made = claude.beta.messages.batches.create(
                requests=asked(gateway, "one"), betas=list(betas)
            )
            await ended(claude, await made)
        posted = [each for each in vendor.requests if each.method == "POST"]
        assert posted[-1].path.endswith("/messages" if paced else "/messages/batches")
        assert {each.headers.get("anthropic-beta") for each in posted} == {",".join(betas)}


async def test_a_request_that_fails_is_told_as_its_error(claude, gateway):
    gateway.fake.will(*[status(400, "No.")] * 9)
    done = await ended(claude, await make(claude, gateway, "one"))
    assert done.request_counts.errored == 1
    (result,) = await results_of(claude, done)
    assert result.result.type == "errored"
    assert result.result.error.error.type == "invalid_request_error"


async def test_a_batch_is_cancelled_and_says_so_of_each_request(claude, gateway):
    gateway.fake.will(silence(None), silence(None))
    batch = await make(claude, gateway, "one", "two")
    with pytest.raises(anthropic.AnthropicError, match="results_url"):
        await claude.messages.batches.results(batch.id)
    cancelled = await claude.messages.batches.cancel(batch.id)
    assert cancelled.processing_status in ("canceling", "ended")
    assert cancelled.cancel_initiated_at is not None
    done = await ended(claude, cancelled)
    assert done.request_counts.canceled == 2
    assert {each.result.type for each in await results_of(claude, done)} == {"canceled"}


async def test_batches_are_listed_page_by_page_in_both_directions(claude, client, gateway):
    made = [(await make(claude, gateway, "one")).id for _ in range(4)]
    # What another vendor's client has made is none of these.
    chat = {"model": gateway.model, "messages": HELLO}
    line = {"custom_id": "1", "url": "/v1/chat/completions", "body": chat}
    other = await client.post(
        "/v1/batches", json={"requests": [line]}, headers=gateway.person.headers
    )
    assert other.status_code == 201, other.text
    newest = list(reversed(made))
    assert [batch.id async for batch in claude.messages.batches.list(limit=1)] == newest
    page = await claude.messages.batches.list(limit=2)
    assert (page.has_more, page.first_id, page.last_id) == (True, newest[0], newest[1])
    back = await claude.messages.batches.list(limit=2, before_id=newest[3])
    assert [batch.id for batch in back.data] == newest[1:3]
    assert back.has_more
    back = await claude.messages.batches.list(limit=2, before_id=newest[1])
    assert ([batch.id for batch in back.data], back.has_more) == ([newest[0]], False)
    hidden = f"msgbatch_{other.json()['id'].replace('-', '')}"
    with pytest.raises(anthropic.NotFoundError):
        await claude.messages.batches.retrieve(hidden)


async def test_a_batch_is_nobody_elses(claude, client, address, gateway):
    batch = await make(claude, gateway, "one")
    stranger = await open_gateway(client, address, gateway.fake)
    async with claude_of(stranger, address) as theirs:
        for ask in (
            theirs.messages.batches.retrieve,
            theirs.messages.batches.cancel,
            theirs.messages.batches.results,
        ):
            with pytest.raises(anthropic.NotFoundError):
                await ask(batch.id)
        assert [each async for each in theirs.messages.batches.list()] == []


@pytest.mark.parametrize(
    ("requests", "said"),
    [
        ([], "requests"),
        ([{"custom_id": "", "params": {"model": "m"}}], "requests.0.custom_id"),
        ([{"custom_id": "x" * 513, "params": {"model": "m"}}], "requests.0.custom_id"),
        ([{"custom_id": "one"}], "requests.0.params"),
        ([{"custom_id": "one", "params": {"model": "m", "stream": True}}], "stream"),
        ("all of them", "requests"),
    ],
)
async def test_what_is_wrong_is_named_before_anything_is_asked(claude, gateway, requests, said):
    with pytest.raises((anthropic.BadRequestError, anthropic.UnprocessableEntityError)) as refused:
        await claude.messages.batches.create(requests=requests)
    assert said in refused.value.body["error"]["message"]
    assert gateway.fake.requests == []


async def test_an_unknown_model_and_a_wrong_limit_are_refused(claude, gateway):
    request = {
        "custom_id": "one",
        "params": {"model": "no/such", "max_tokens": 9, "messages": HELLO},
    }
    with pytest.raises(anthropic.APIStatusError) as refused:
        await claude.messages.batches.create(requests=[request])
    assert refused.value.status_code in (404, 422)
    with pytest.raises(anthropic.BadRequestError):
        await claude.messages.batches.list(limit=1001)
    with pytest.raises(anthropic.NotFoundError):
        await claude.messages.batches.retrieve("msgbatch_nothing")
