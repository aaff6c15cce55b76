"""Fine-tuning jobs at a provider, by OpenAI's own client and by ours."""

import asyncio
import json

import openai
import pytest
from openai import AsyncOpenAI

from app.core.db import SYSTEM
from app.inference.batches.parts import Outside
from app.inference.fine_tuning.training import Training
from app.runs.events.errors import RunLost
from app.runs.runs.models import Run
from tests.inference.relay.conftest import open_gateway
from tests.support.fakes.base import body_of, status
from tests.support.fakes.openai_tuning import TUNED, FakeOpenAITuning
from tests.support.runs import processes, read, until

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
    await priced(client, gateway)
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


async def test_what_a_provider_tells_in_another_form_is_told_as_far_as_it_goes(
    client, gateway, sdk, fake, monkeypatch
):
    await in_state(sdk, await begun(sdk), "running")
    strange = {"id": 1, "created_at": 10**18, "step_number": "ten", "metrics": [1], "data": "?"}
    told = body_of(json.dumps({"data": [strange, None]}).encode())
    monkeypatch.setattr(fake, "_told", lambda what: told)
    headers = gateway.person.headers
    (job,) = (await client.get("/v1/fine-tuning/jobs", headers=headers)).json()["data"]
    for what, field, known in (("events", "metrics", None), ("checkpoints", "step", 0)):
        found = await client.get(f"/v1/fine-tuning/jobs/{job['id']}/{what}", headers=headers)
        assert found.status_code == 200, found.text
        (one,) = found.json()["data"]
        assert (one[field], one["created_at"][:4]) == (known, "1970")


async def priced(client, gateway):
    """Three dollars a million tokens trained on; what else models cost is something else."""
    for model, price in (("training:gpt-4o-*", "3"), ("*", "99")):
        body = {"model": model, "input": price, "output": "7"}
        made = await client.post("/v1/prices/overrides", json=body, headers=gateway.person.headers)
        assert made.status_code == 201, made.text


async def budgeted(client, gateway, amount):
    body = {"name": "All", "subject": {"type": "workspace"}, "amount": amount, "window": "total"}
    made = await client.post("/v1/budgets", json=body, headers=gateway.person.headers)
    assert made.status_code == 201, made.text


async def ledger_of(client, gateway):
    answer = await client.get("/v1/usage/calls", headers=gateway.person.headers)
    return [call for call in answer.json()["data"] if call["operation"] == "fine_tuning"]


async def ended_run(client, gateway):
    headers = gateway.person.headers
    (job,) = (await client.get("/v1/fine-tuning/jobs", headers=headers)).json()["data"]
    async with asyncio.timeout(20):
        while True:
            run = (await client.get(f"/v1/runs/{job['run_id']}", headers=headers)).json()
            if run["ended_at"]:
                return run
            await asyncio.sleep(0.05)


async def test_what_was_trained_is_in_the_ledger_by_the_providers_count(client, gateway, sdk, fake):
    await priced(client, gateway)
    await budgeted(client, gateway, "1")
    job = await in_state(sdk, await begun(sdk), "running")
    fake.succeed()
    await in_state(sdk, job, "succeeded")
    run = await ended_run(client, gateway)
    (call,) = await ledger_of(client, gateway)
    assert (call["status"], call["purpose"], call["input_tokens"]) == (
        "succeeded", "fine_tuning", 1234,
    )  # fmt: skip
    assert float(call["cost_usd"]) == pytest.approx(1234 * 3e-6)
    assert float(run["cost_usd"]) == pytest.approx(1234 * 3e-6)
    assert call["estimated"] is False


async def test_a_cancelled_job_gives_back_what_it_had_reserved(client, gateway, sdk, fake):
    await priced(client, gateway)
    job = await in_state(sdk, await begun(sdk), "running")
    await sdk.fine_tuning.jobs.cancel(job.id)
    await ended_run(client, gateway)
    (call,) = await ledger_of(client, gateway)
    assert (call["status"], float(call["cost_usd"])) == ("failed", 0)


@pytest.mark.parametrize(
    ("has_price", "code"), [(False, "price_unknown"), (True, "budget_exceeded")]
)
async def test_under_a_budget_nothing_is_sent_that_may_not_be_paid(
    client, gateway, sdk, fake, has_price, code
):
    if has_price:
        await priced(client, gateway)
    await budgeted(client, gateway, "0.000001")
    await begun(sdk)
    run = await ended_run(client, gateway)
    assert (run["status"], run["error"]["code"]) == ("failed", code)
    assert not fake.files
    assert list(fake.jobs) == ["ftjob-theirs"]


async def test_a_job_whose_answer_was_lost_is_found_by_its_label_and_not_made_again(sdk, fake):
    fake.loses_answers = "breaks"
    job = await in_state(sdk, await begun(sdk), "running")
    fake.succeed()
    await in_state(sdk, job, "succeeded")
    assert list(fake.jobs) == ["ftjob-theirs", "ftjob-1"]


async def test_a_job_is_followed_while_its_credentials_are_being_changed(sdk, fake):
    job = await in_state(sdk, await begun(sdk), "running")
    fake.will(*[status(401)] * 3)
    fake.succeed()
    await in_state(sdk, job, "succeeded")


async def test_after_a_crash_a_job_goes_on_and_is_paid_once(
    client, gateway, sdk, fake, kernel, app
):
    await priced(client, gateway)
    fake.loses_answers = "hangs"
    await begun(sdk)
    await until(lambda: len(fake.jobs) == 2)
    for number in range(150):
        fake.jobs[f"ftjob-other-{number}"] = {"id": f"ftjob-other-{number}"}
    (active,) = [
        one
        for one in app.state.runs.executor._active.values()
        if str(one.run.workspace_id) == gateway.person.workspace_id
    ]
    active.stop(RunLost())
    await until(lambda: active.run.id not in app.state.runs.executor._active)
    async with kernel.database.unit(SYSTEM) as session:
        (await session.get(Run, active.run.id)).executor_id = None
    inference = app.state.inference
    outside = Outside(inference.transport, inference.directory, inference.prices)
    training = Training(kernel.database, inference.calls, outside)
    async with processes(kernel, training) as (other,):
        await other.runs.recovery.sweep()
        fake.succeed()
        await read(other.runs, active.run)
    assert len([name for name in fake.jobs if "other" not in name]) == 2
    (call,) = await ledger_of(client, gateway)
    assert (call["status"], call["input_tokens"]) == ("succeeded", 1234)
