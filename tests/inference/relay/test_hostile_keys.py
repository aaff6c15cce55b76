"""What a caller may try to get past its key's rules, a cache's edges and guardrails."""

import pytest

from tests.inference.relay.asking import ask
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
    path = "/openai/v1/responses/resp_abc"
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
    assert gateway.fake.requests == []
