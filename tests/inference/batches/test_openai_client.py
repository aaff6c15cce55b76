"""OpenAI's own client makes batches over any provider."""

import asyncio
import json

import openai
import pytest

from tests.inference.relay.conftest import FAKES, gateway, sdk

__all__ = ["gateway", "sdk"]

every_vendor = pytest.mark.parametrize("gateway", FAKES, indirect=True)


def jsonl(*models):
    messages = [{"role": "user", "content": "Hello"}]
    return "\n".join(
        json.dumps(
            {
                "custom_id": f"line-{number}",
                "method": "POST",
                "url": "/v1/chat/completions",
                "body": {"model": model, "messages": messages},
            }
        )
        for number, model in enumerate(models, 1)
    ).encode()


async def uploaded(sdk, content):
    return await sdk.files.create(file=("asked.jsonl", content), purpose="batch")


async def make(sdk, file):
    return await sdk.batches.create(
        input_file_id=file.id,
        endpoint="/v1/chat/completions",
        completion_window="24h",
        metadata={"night": "run"},
    )


async def ended(sdk, batch):
    async with asyncio.timeout(30):
        while batch.status not in ("completed", "cancelled", "failed"):
            await asyncio.sleep(0.05)
            batch = await sdk.batches.retrieve(batch.id)
    return batch


@every_vendor
async def test_a_file_becomes_a_batch_and_the_batch_a_file(sdk, gateway):
    content = jsonl(gateway.model, gateway.model)
    file = await uploaded(sdk, content)
    assert (file.bytes, file.purpose, file.filename) == (len(content), "batch", "asked.jsonl")
    assert (await sdk.files.content(file.id)).content == content
    batch = await make(sdk, file)
    done = await ended(sdk, batch)
    assert (done.status, done.request_counts.completed) == ("completed", 2)
    assert done.metadata == {"night": "run"}
    answers = (await sdk.files.content(done.output_file_id)).text
    rows = [json.loads(row) for row in answers.splitlines()]
    assert [row["custom_id"] for row in rows] == ["line-1", "line-2"]
    said = rows[0]["response"]["body"]["choices"][0]["message"]["content"]
    assert said == "Hello, wörld 🌍"
    kept = await sdk.files.retrieve(done.output_file_id)
    assert kept.purpose == "batch_output"
    assert done.error_file_id is None


async def test_batches_and_files_are_listed_and_deleted(sdk, gateway):
    first, second = [await uploaded(sdk, jsonl(gateway.model)) for _ in range(2)]
    batches = [await make(sdk, file) for file in (first, second)]
    listed = [batch.id async for batch in sdk.batches.list(limit=1)]
    assert listed == [batch.id for batch in reversed(batches)]
    assert [file.id async for file in sdk.files.list(purpose="batch")] == [second.id, first.id]
    for batch in batches:
        await ended(sdk, batch)
    assert (await sdk.files.delete(first.id)).deleted
    with pytest.raises(openai.NotFoundError):
        await sdk.files.retrieve(first.id)


async def test_what_the_sdk_changes_stands_in_the_audit_trail(sdk, gateway, client):
    file = await uploaded(sdk, jsonl("demo/chat?tokens=1&delay_ms=0"))
    await ended(sdk, await sdk.batches.cancel((await make(sdk, file)).id))
    await sdk.files.delete(file.id)
    trail = await client.get("/v1/audit-logs?limit=50", headers=gateway.person.headers)
    told = {
        (row["operation"], row["action"]): row
        for row in trail.json()["data"]
        if row["actor"]["credential"] == "api_key"
    }
    assert set(told) >= {
        ("files_create", "files_create"),
        ("batches_create", "batch.started"),
        ("batches_cancel", "batches_cancel"),
        ("files_delete", "files_delete"),
    }
    assert {row["actor"]["id"] for row in told.values()} == {gateway.person.user_id}
    assert all(row["request_id"] for row in told.values())


async def test_a_cancelled_batch_says_so(sdk, gateway):
    file = await uploaded(sdk, jsonl(*["demo/chat?tokens=2&delay_ms=200"] * 100))
    batch = await sdk.batches.cancel((await make(sdk, file)).id)
    assert batch.status in ("cancelling", "cancelled")
    assert (await ended(sdk, batch)).status == "cancelled"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{garbage", "/lines/1 is no JSON"),
        (jsonl("demo/chat") + b"\n[]", "/lines/2 is no JSON object"),
        (b"\n\n", "holds no requests"),
        (b'{"custom_id": "a", "url": ["/v1/responses"], "body": {}}', "has a `url` that is none"),
    ],
)
async def test_a_bad_line_is_told_by_its_number(sdk, gateway, content, said):
    file = await uploaded(sdk, content)
    with pytest.raises(openai.APIStatusError, match=said):
        await make(sdk, file)


async def test_a_foreign_file_is_not_found(sdk, gateway):
    with pytest.raises(openai.NotFoundError):
        await sdk.batches.create(
            input_file_id="file-01976f6e2d3a7c419d526a1f0c9b7e11",
            endpoint="/v1/chat/completions",
            completion_window="24h",
        )
