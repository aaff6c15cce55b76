"""Fine-tuning jobs at a provider, by OpenAI's own client and by ours."""

import asyncio
import json

import openai
import pytest
from openai import AsyncOpenAI

from tests.inference.relay.conftest import open_gateway
from tests.support.fakes.openai_tuning import TUNED, FakeOpenAITuning

MODEL = "openai/gpt-4o-mini"


def examples(count):
    return "\n".join(
        json.dumps(
            {
                "messages": [
                    {"role": "user", "content": f"Hello {number}"},
                    {"role": "assistant", "content": "Good day."},
                ]
            }
        )
        for number in range(count)
    ).encode()


@pytest.fixture
async def fake():
    async with FakeOpenAITuning() as opened:
        yield opened


@pytest.fixture
async def gateway(client, address, fake):
    return await open_gateway(client, address, fake)


def sdk_of(gateway):
    return AsyncOpenAI(base_url=gateway.base_url, api_key=gateway.key, max_retries=0, timeout=20)


@pytest.fixture
async def sdk(gateway):
    async with sdk_of(gateway) as opened:
        yield opened


async def uploaded(sdk, content):
    return await sdk.files.create(file=("examples.jsonl", content), purpose="fine-tune")


async def begun(sdk, **more):
    file = await uploaded(sdk, examples(12))
    return await sdk.fine_tuning.jobs.create(model=MODEL, training_file=file.id, **more)


async def in_state(sdk, job, status):
    async with asyncio.timeout(20):
        while job.status != status:
            await asyncio.sleep(0.05)
            job = await sdk.fine_tuning.jobs.retrieve(job.id)
    return job


async def test_a_job_is_trained_by_its_provider_and_its_model_can_be_asked(sdk, fake):
    job = await begun(sdk, suffix="mine", hyperparameters={"n_epochs": 2})
    assert job.status == "validating_files"
    running = await in_state(sdk, job, "running")
    assert running.model == MODEL
    asked = fake.jobs["ftjob-1"]
    assert (asked["model"], asked["suffix"]) == ("gpt-4o-mini", "mine")
    assert fake.files[asked["training_file"]] == examples(12)
    events = await sdk.fine_tuning.jobs.list_events(job.id)
    assert events.data[0].message == "Step 1"
    states = await sdk.fine_tuning.jobs.checkpoints.list(job.id)
    assert states.data[0].step_number == 10
    fake.succeed()
    done = await in_state(sdk, job, "succeeded")
    assert (done.fine_tuned_model, done.trained_tokens) == (f"openai/{TUNED}", 1234)
    messages = [{"role": "user", "content": "Hello"}]
    answer = await sdk.chat.completions.create(model=done.fine_tuned_model, messages=messages)
    assert answer.choices[0].message.content == "Hello, wörld 🌍"


async def test_a_cancelled_job_is_cancelled_at_its_provider(sdk, fake):
    job = await in_state(sdk, await begun(sdk), "running")
    await sdk.fine_tuning.jobs.cancel(job.id)
    await in_state(sdk, job, "cancelled")
    async with asyncio.timeout(10):
        while True:
            if fake.jobs["ftjob-1"]["status"] == "cancelled":
                return
            await asyncio.sleep(0.02)


async def test_one_tenant_never_sees_anothers_job_of_a_shared_credential(
    client, address, sdk, fake
):
    job = await in_state(sdk, await begun(sdk), "running")
    async with sdk_of(await open_gateway(client, address, fake)) as other:
        assert (await other.fine_tuning.jobs.list()).data == []
        for name in (job.id, "ftjob-1", "ftjob-theirs"):
            with pytest.raises(openai.NotFoundError):
                await other.fine_tuning.jobs.retrieve(name)
    assert [found.id for found in (await sdk.fine_tuning.jobs.list()).data] == [job.id]


async def test_a_data_set_with_a_mistake_is_never_sent(sdk, fake):
    file = await uploaded(sdk, examples(12) + b"\n{}")
    with pytest.raises(openai.UnprocessableEntityError, match="/lines/13"):
        await sdk.fine_tuning.jobs.create(model=MODEL, training_file=file.id)
    assert not fake.files


async def test_a_provider_without_fine_tuning_is_told_by_name(sdk):
    file = await uploaded(sdk, examples(12))
    with pytest.raises(openai.UnprocessableEntityError, match="no fine-tuning"):
        await sdk.fine_tuning.jobs.create(model="demo/chat", training_file=file.id)


async def test_a_dry_run_checks_and_estimates_and_begins_nothing(client, gateway, sdk, fake):
    file = await uploaded(sdk, examples(12))
    body = {"model": MODEL, "file_id": file.id, "hyperparameters": {"n_epochs": 2}}
    path = "/v1/fine-tuning/jobs"
    headers = gateway.person.headers
    tried = await client.post(f"{path}?dry_run=true", json=body, headers=headers)
    assert tried.status_code == 201, tried.text
    report = tried.json()["report"]
    assert report["examples"] == 12
    assert float(report["estimated_cost_usd"]) == pytest.approx(report["tokens"] * 2 * 3e-6)
    assert (await client.get(path, headers=headers)).json()["data"] == []
    assert not fake.files


async def test_our_own_routes_tell_the_same(client, gateway, sdk, fake):
    job = await in_state(sdk, await begun(sdk), "running")
    headers = gateway.person.headers
    (listed,) = (await client.get("/v1/fine-tuning/jobs", headers=headers)).json()["data"]
    assert (listed["model"], listed["status"]) == (MODEL, "running")
    path = f"/v1/fine-tuning/jobs/{listed['id']}"
    events = (await client.get(f"{path}/events", headers=headers)).json()
    assert events["data"][0]["metrics"] == {"loss": 0.5}
    states = (await client.get(f"{path}/checkpoints", headers=headers)).json()
    assert states["data"][0]["model"] == f"openai/{TUNED}:ckpt"
    cancelled = await client.post(f"{path}/cancel", headers=headers)
    assert cancelled.status_code == 202
    await in_state(sdk, job, "cancelled")
