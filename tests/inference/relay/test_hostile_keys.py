"""What a caller may try to get past its key's rules, a cache's edges and guardrails."""

import pytest

from tests.inference.relay.asking import HELLO, ask, calls_of, settled_calls
from tests.support.identity import new_key

MASK = {"kind": "personal_data", "action": "mask", "entities": ["EMAIL"]}


async def test_a_key_sees_only_the_models_that_it_may_use(client, gateway):
    made = await new_key(client, gateway.person, models=["no-such/*"])
    headers = {"Authorization": f"Bearer {made['key']}"}
    for path in ("/openai/v1/models", "/anthropic/v1/models", "/gemini/v1beta/models"):
        answer = await client.get(path, headers=headers)
        assert answer.status_code == 200
        listed = answer.json()
        assert listed.get("data", listed.get("models")) == []


async def test_an_answer_of_another_route_is_not_kept_under_the_models_name(app, client, gateway):
    person = gateway.person
    body = {"name": "Answers"}
    made = await client.post("/v1/caches", json=body, headers=person.headers)
    assert made.status_code == 201, made.text
    other = {"X-Luminous-Route": "openai/another"}
    document = {"model": gateway.model, "messages": [{"role": "user", "content": "Hi?"}]}
    first = await client.post(
        "/openai/v1/chat/completions", json=document, headers=gateway.headers | other
    )
    assert first.headers["x-luminous-cache"] == "miss"
    await app.state.kernel.background.close()
    answer = await ask(client, gateway, messages=document["messages"])
    assert answer.headers["x-luminous-cache"] == "miss"
    assert [sent.body["model"] for sent in gateway.fake.requests] == ["another", "gpt-fake"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("embeddings", {"input": ["fine", "ann@example.com"]}),
        ("images/generations", {"prompt": "Paint ann@example.com"}),
        ("audio/speech", {"voice": "alloy", "input": "Say ann@example.com"}),
    ],
)
async def test_what_would_be_masked_leaves_by_no_other_surface(client, gateway, path, body):
    policy = {"name": "Policy", "checks": [MASK]}
    made = await client.post("/v1/guardrails", json=policy, headers=gateway.person.headers)
    assert made.status_code == 201, made.text
    asked = body | {"model": gateway.model}
    answer = await client.post(f"/openai/v1/{path}", json=asked, headers=gateway.headers)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["code"] == "guardrail_refused"
    assert "ann@example.com" not in answer.text
    assert gateway.fake.requests == []


async def test_what_a_provider_keeps_goes_round_neither_guardrails_nor_keys(client, gateway):
    asked = {"model": gateway.model, "input": "Hi"}
    stored = await client.post("/openai/v1/responses", json=asked, headers=gateway.headers)
    path = f"/openai/v1/responses/{stored.json()['id']}"
    made = await new_key(client, gateway.person, models=["no-such/*"])
    bound = {"Authorization": f"Bearer {made['key']}"}
    assert (await client.get(path, headers=bound)).status_code == 404
    assert (await client.delete(path, headers=bound)).status_code == 404
    policy = {"name": "Policy", "checks": [MASK]}
    kept = await client.post("/v1/guardrails", json=policy, headers=gateway.person.headers)
    assert kept.status_code == 201, kept.text
    answer = await client.get(path, headers=gateway.headers)
    assert answer.status_code == 403, answer.text
    assert "checked" in answer.json()["error"]["message"]
    assert len(gateway.fake.requests) == 1


async def paid(client, gateway, kernel, ledger, key, headers=None, **body):
    """For whom, and with which tags, a call is that this key makes."""
    document = {"model": gateway.model, "messages": HELLO, "max_tokens": 9, **body}
    answer = await client.post(
        "/openai/v1/chat/completions",
        json=document,
        headers={"Authorization": f"Bearer {key['key']}"} | (headers or {}),
    )
    if answer.status_code != 200:
        return answer
    call = (await calls_of(kernel, ledger, gateway))[-1]
    return call.customer, call.tags


async def test_a_header_drops_none_of_a_keys_tags(client, gateway, kernel, ledger):
    key = await new_key(client, gateway.person, tags=["shop"])
    more = {"X-Luminous-Tags": "night"}
    assert await paid(client, gateway, kernel, ledger, key, more) == (None, ["shop", "night"])


@pytest.mark.parametrize("header", [{"X-Customer-Id": "c-2"}, {"X-Luminous-Tags": "shop, other"}])
async def test_what_a_key_has_for_good_no_header_names_otherwise(
    client, gateway, kernel, ledger, header
):
    key = await new_key(client, gateway.person, tags=["shop"], tags_fixed=True, customer="c-1")
    assert await paid(client, gateway, kernel, ledger, key) == ("c-1", ["shop"])
    same = {"X-Customer-Id": "c-1", "X-Luminous-Tags": "shop"}
    assert await paid(client, gateway, kernel, ledger, key, same) == ("c-1", ["shop"])
    # What stands in the body is for the provider, too: it names nobody here.
    assert await paid(client, gateway, kernel, ledger, key, user="c-2") == ("c-1", ["shop"])
    sent = len(gateway.fake.requests)
    refused = await paid(client, gateway, kernel, ledger, key, header)
    assert refused.status_code == 403, refused.text
    assert next(iter(header)) in refused.json()["error"]["message"]
    assert len(gateway.fake.requests) == sent


LINE = {"custom_id": "a", "url": "/v1/chat/completions"}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat", {"messages": HELLO}),
        ("/v1/compare", {"messages": HELLO}),
        ("/v1/batches", {"requests": [LINE], "processing": "paced"}),
        ("/openai/v1/embeddings", {"input": "Hi", "user": "c-2"}),
    ],
)
async def test_a_keys_customer_pays_on_every_surface(client, gateway, kernel, ledger, path, body):
    named = {"model": gateway.model, "messages": HELLO, "user": "c-2"}
    if path == "/v1/compare":
        body = body | {"candidates": [{"model": gateway.model}] * 2}
    elif path == "/v1/batches":
        body = body | {"requests": [LINE | {"body": named}]}
    else:
        body = body | {"model": gateway.model}
    key = await new_key(client, gateway.person, customer="c-1")
    headers = {"Authorization": f"Bearer {key['key']}"}
    answer = await client.post(path, json=body, headers=headers)
    assert answer.status_code < 300, answer.text
    calls = await settled_calls(kernel, ledger, gateway, 1)
    assert {call.customer for call in calls} == {"c-1"}
