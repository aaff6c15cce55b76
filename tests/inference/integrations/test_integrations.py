"""Integrations: credentials go in and never come out; a test tries them for real."""

import asyncio
from uuid import UUID

from sqlalchemy import text

from app.core.db import SYSTEM
from app.inference.integrations import service
from app.inference.providers.adapter import MOST_PAGES
from tests.support.audit import trail
from tests.support.fakes.anthropic import FakeAnthropic
from tests.support.fakes.base import KEY, raw_stream, status
from tests.support.fakes.openai import FakeOpenAI

SECRET = "sk-proj-a-secret-that-must-not-be-seen-1234"


async def create(talker, **body):
    return await talker.call("POST", "/v1/integrations", json=body)


async def test_a_credential_is_never_shown_again(talker, kernel):
    made = await create(talker, kind="openai", api_key=SECRET)
    assert made.status_code == 201, made.text
    shown = made.json()
    assert (shown["last_four"], len(shown["fingerprint"])) == ("1234", 16)
    assert (shown["slug"], shown["origin"], shown["status"]) == ("openai", "user", "untested")
    path = f"/v1/integrations/{shown['id']}"
    everything = [
        made.text,
        (await talker.call("GET", path)).text,
        (await talker.call("GET", "/v1/integrations")).text,
        (await talker.call("PATCH", path, json={"name": "Other"})).text,
        (await talker.call("GET", "/v1/models")).text,
    ]
    assert [answer for answer in everything if SECRET in answer] == []
    async with kernel.database.unit(SYSTEM) as session:
        row = await session.scalar(
            text("select cast(ai_integrations as text) from ai_integrations where id = :id"),
            {"id": UUID(shown["id"])},
        )
    assert SECRET not in row
    assert SECRET.encode().hex() not in row


async def test_a_test_tries_the_credential_for_real(talker):
    async with FakeOpenAI() as fake:
        right = await talker.integrate("openai", f"{fake.url}/v1", "right")
        wrong = await talker.integrate("openai", f"{fake.url}/v1", "wrong", key="a-wrong-key-0")
        tried = (await talker.call("POST", f"/v1/integrations/{right['id']}/test")).json()
        assert (tried["ok"], tried["error"]) == (True, None)
        assert tried["models"] > 0
        tried = (await talker.call("POST", f"/v1/integrations/{wrong['id']}/test")).json()
    assert tried["ok"] is False
    assert tried["error"]["code"] == "provider_auth_failed"
    shown = (await talker.call("GET", f"/v1/integrations/{wrong['id']}")).json()
    assert (shown["status"], shown["last_error"]["code"]) == ("failing", "provider_auth_failed")
    shown = (await talker.call("GET", f"/v1/integrations/{right['id']}")).json()
    assert (shown["status"], shown["last_error"]) == ("working", None)


async def test_a_new_key_is_used_at_once(talker):
    async with FakeAnthropic() as fake:
        made = await talker.integrate("anthropic", f"{fake.url}/v1", "claude", key="old-wrong-key")
        path = f"/v1/integrations/{made['id']}"
        body = {"messages": [{"role": "user", "content": "Hi"}], "model": "claude/claude-x"}
        refused = await talker.call("POST", "/v1/chat", json=body)
        assert refused.json()["code"] == "provider_auth_failed"
        await talker.call("PATCH", path, json={"api_key": KEY})
        assert (await talker.call("POST", "/v1/chat", json=body)).status_code == 200


async def test_a_credential_is_not_sent_to_another_server_than_it_was_given_for(talker, kernel):
    async with FakeOpenAI() as given, FakeOpenAI() as thief:
        made = await talker.integrate("openai", f"{given.url}/v1", "theirs")
        path = f"/v1/integrations/{made['id']}"
        for address in (f"{thief.url}/v1", None, f"{given.url.replace('http:', 'https:')}/v1"):
            refused = await talker.call("PATCH", path, json={"base_url": address})
            assert (refused.status_code, refused.json()["code"]) == (422, "credential_needed")
            assert refused.json()["errors"][0]["pointer"] == "/body/api_key"
        assert (await talker.call("GET", path)).json()["base_url"] == f"{given.url}/v1"
        moved = await talker.call("PATCH", path, json={"base_url": f"{given.url}/v2"})
        assert moved.status_code == 200, moved.text
        own = {"base_url": f"{thief.url}/v1", "api_key": "own-key-1234567890"}
        assert (await talker.call("PATCH", path, json=own)).status_code == 200
        await talker.call("POST", f"{path}/test")
    assert thief.requests
    assert not any(KEY in str(each.headers) for each in thief.requests)


async def test_a_listing_without_an_end_is_read_for_a_while_only(talker):
    class Endless(FakeAnthropic):
        def models(self):
            number = f"m-{len(self.requests)}"
            row = {"type": "model", "id": number, "display_name": number}
            return {"data": [row], "has_more": True, "first_id": number, "last_id": number}

    async with Endless() as fake:
        made = await talker.integrate("anthropic", f"{fake.url}/v1", "endless")
        async with asyncio.timeout(20):
            tried = (await talker.call("POST", f"/v1/integrations/{made['id']}/test")).json()
        assert (tried["ok"], tried["models"]) == (True, MOST_PAGES)
        assert len(fake.requests) <= 2 * MOST_PAGES + 2


async def test_a_try_that_never_comes_to_an_end_is_given_up(talker, monkeypatch):
    monkeypatch.setattr(service, "TRIAL_SECONDS", 0.5)
    async with FakeOpenAI() as fake:
        made = await talker.integrate("openai", f"{fake.url}/v1", "slow")
        fake.script.clear()
        fake.will(raw_stream(*[b" "] * 100, pause=0.05))
        tried = (await talker.call("POST", f"/v1/integrations/{made['id']}/test")).json()
    assert (tried["ok"], tried["error"]["code"]) == (False, "provider_timed_out")


async def test_a_deleted_integration_is_gone_with_its_credential(talker, kernel):
    made = (await create(talker, kind="openai", api_key=SECRET)).json()
    path = f"/v1/integrations/{made['id']}"
    assert (await talker.call("DELETE", path)).status_code == 204
    answer = await talker.call("GET", path)
    assert (answer.status_code, answer.json()["code"]) == (404, "integration_not_found")
    async with kernel.database.unit(SYSTEM) as session:
        sealed = await session.scalar(
            text("select sealed_credential from ai_integrations where id = :id"),
            {"id": UUID(made["id"])},
        )
    assert sealed is None
    assert (await create(talker, kind="openai", api_key=SECRET)).status_code == 201


async def test_a_disabled_integration_offers_nothing(talker):
    async with FakeOpenAI() as fake:
        made = await talker.integrate("openai", f"{fake.url}/v1", "mine")
        await talker.call("PATCH", f"/v1/integrations/{made['id']}", json={"enabled": False})
        body = {"messages": [{"role": "user", "content": "Hi"}], "model": "mine/gpt-4o"}
        answer = await talker.call("POST", "/v1/chat", json=body)
    assert answer.json()["code"] == "model_unknown"


async def test_a_slug_is_used_once(talker):
    assert (await create(talker, kind="openai", api_key=SECRET)).status_code == 201
    answer = await create(talker, kind="groq", slug="openai", api_key=SECRET)
    assert (answer.status_code, answer.json()["code"]) == (409, "integration_slug_taken")


async def test_what_cannot_work_is_refused(talker):
    for body, code in [
        ({"kind": "openai"}, "invalid_integration"),
        ({"kind": "azure", "api_key": SECRET}, "invalid_integration"),
        ({"kind": "nothing", "api_key": SECRET}, "validation_failed"),
        ({"kind": "openai", "api_key": ""}, "validation_failed"),
        ({"kind": "openai", "api_key": SECRET, "base_url": "ftp://x"}, "validation_failed"),
        ({"kind": "openai", "api_key": SECRET, "base_url": "http://u:p@x/"}, "validation_failed"),
        ({"kind": "openai", "api_key": SECRET, "slug": "a/b"}, "validation_failed"),
    ]:
        answer = await create(talker, **body)
        assert (answer.status_code, answer.json()["code"]) == (422, code), body


async def test_a_private_address_is_refused_to_a_user(talker):
    for url in ("http://169.254.169.254/v1", "http://10.0.0.1/v1", "http://[::1]:9/v1"):
        answer = await create(talker, kind="openai_compatible", base_url=url)
        assert (answer.status_code, answer.json()["code"]) == (400, "address_refused")


async def test_a_provider_that_was_never_listed_answers_the_first_chat(talker):
    async with FakeOpenAI() as fake:
        await talker.integrate("openai", f"{fake.url}/v1", "fresh")
        named = await talker.ask("Hi", model=fake.models()["data"][0]["id"])
        usual = await talker.ask("Hi")
    assert named["message"]["model"].startswith("fresh/")
    assert usual["message"]["model"].startswith("fresh/")


async def test_an_integration_that_does_not_open_leaves_the_others_usable(talker, kernel):
    made = (await create(talker, kind="openai", api_key=SECRET)).json()
    async with kernel.database.unit(SYSTEM) as session:
        await session.execute(
            text("update ai_integrations set sealed_credential = '\\x01ff' where id = :id"),
            {"id": UUID(made["id"])},
        )
    listed = await talker.call("GET", "/v1/models")
    assert [m["id"] for m in listed.json()["data"] if m["provider"] not in ("demo", "local")] == []
    assert (await talker.ask("Hi", model="demo/chat?tokens=2&delay_ms=0"))["message"]["text"]


async def test_the_models_of_every_integration_are_listed_with_what_is_known(talker):
    async with FakeOpenAI() as fake:
        fake.models = lambda: {
            "object": "list",
            "data": [
                {"id": "gpt-4o-mini", "object": "model", "created": 1, "owned_by": "openai"},
                {"id": "text-embedding-3-small", "object": "model", "created": 1, "owned_by": "o"},
            ],
        }
        await talker.integrate("openai", f"{fake.url}/v1", "mine")
        listed = (await talker.call("GET", "/v1/models")).json()["data"]
        models = {model["id"]: model for model in listed}
        mini = models["mine/gpt-4o-mini"]
        assert (mini["type"], mini["context_window"], mini["demo"]) == ("chat", 128000, False)
        assert mini["price"]["input"] == "0.15"
        assert mini["capabilities"]["vision"] is True
        assert models["mine/text-embedding-3-small"]["type"] == "embedding"
        assert models["demo/chat"]["demo"] is True
        filtered = await talker.call("GET", "/v1/models", params={"type": "embedding"})
        assert [m["id"] for m in filtered.json()["data"]] == [
            "local/minilm-l6-v2",
            "mine/text-embedding-3-small",
        ]
        page = (await talker.call("GET", "/v1/models", params={"limit": 3})).json()
        rest = await talker.call(
            "GET", "/v1/models", params={"limit": 200, "cursor": page["next_cursor"]}
        )
        ids = [m["id"] for m in page["data"] + rest.json()["data"]]
        assert ids == sorted(models)


async def test_a_provider_that_does_not_list_leaves_the_others_listed(talker):
    async with FakeOpenAI() as fake:
        fake.will(status(500), status(500))
        await talker.integrate("openai", f"{fake.url}/v1", "ailing")
        listed = await talker.call("GET", "/v1/models")
        asked = len(fake.requests)
        again = await talker.call("GET", "/v1/models")
        assert len(fake.requests) == asked  # it is left alone for a while
    assert listed.status_code == again.status_code == 200
    assert any(model["demo"] for model in listed.json()["data"])


async def test_a_restored_integration_needs_its_credential_again(talker, kernel):
    made = (await create(talker, kind="openai", slug="back", api_key=SECRET)).json()
    path = f"/v1/integrations/{made['id']}"
    assert (await talker.call("DELETE", path)).status_code == 204
    assert (await talker.call("GET", path)).status_code == 404
    deleted = (await talker.call("GET", "/v1/integrations?deleted=true")).json()["data"]
    assert [row["id"] for row in deleted] == [made["id"]]
    restored = (await talker.call("POST", f"{path}/restore")).json()
    assert (restored["deleted_at"], restored["last_four"], restored["fingerprint"]) == (None,) * 3
    async with kernel.database.unit(SYSTEM) as session:
        sealed = await session.scalar(
            text("select sealed_credential from ai_integrations where id = :id"),
            {"id": UUID(made["id"])},
        )
    assert sealed is None


async def test_an_integration_is_not_restored_over_another_of_its_slug(talker):
    first = (await create(talker, kind="demo", slug="taken")).json()
    await talker.call("DELETE", f"/v1/integrations/{first['id']}")
    await create(talker, kind="demo", slug="taken")
    refused = await talker.call("POST", f"/v1/integrations/{first['id']}/restore")
    assert (refused.status_code, refused.json()["code"]) == (409, "integration_slug_taken")


async def test_many_integrations_are_deleted_each_on_its_own(talker):
    made = [(await create(talker, kind="demo", slug=f"many-{n}")).json()["id"] for n in range(3)]
    unknown = "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11"
    items = [{"action": "delete", "id": each} for each in (made[0], unknown, made[1])]
    answer = await talker.call("POST", "/v1/integrations/bulk", json={"items": items})
    assert [outcome["ok"] for outcome in answer.json()["data"]] == [True, False, True]
    left = (await talker.call("GET", "/v1/integrations")).json()["data"]
    assert made[2] in [row["id"] for row in left]
    assert not {made[0], made[1]} & {row["id"] for row in left}


async def test_the_audit_trail_says_that_a_credential_is_in_use(talker):
    made = (await create(talker, kind="openai", slug="watched", api_key=SECRET)).json()
    for _ in range(3):
        await talker.call("GET", "/v1/models")
    seen = await trail(talker.http, talker.person, action="integration_credential.opened")
    assert [entry["resource"]["id"] for entry in seen] == [made["id"]]
    assert seen[0]["actor"]["id"] == talker.person.user_id
