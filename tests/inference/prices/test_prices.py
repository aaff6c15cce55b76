"""A workspace's own prices through the API."""

from uuid import UUID

import pytest

from app.inference.providers.types import Usage

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def override(talker, **body) -> dict:
    answer = await talker.http.post(
        "/v1/prices/overrides", json=body, headers=talker.person.headers
    )
    assert answer.status_code == 201, answer.text
    return answer.json()


async def price_of(talker, model: str, **query) -> dict:
    answer = await talker.http.get(
        "/v1/prices", params={"model": model, **query}, headers=talker.person.headers
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


async def integrated(talker, kind: str = "openai", **body) -> None:
    new = {"kind": kind, "api_key": "sk-none", **body}
    answer = await talker.http.post("/v1/integrations", json=new, headers=talker.person.headers)
    assert answer.status_code == 201, answer.text


async def settle(talker, **body) -> dict:
    answer = await talker.http.patch(
        "/v1/prices/settings", json=body, headers=talker.person.headers
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_listed_price_says_that_it_is_the_providers(talker):
    await integrated(talker)
    shown = await price_of(talker, "openai/gpt-4o")
    assert (shown["known"], shown["source"], shown["override_id"]) == (True, "list", None)
    tier = shown["tiers"][0]
    assert (tier["input"], tier["output"], tier["cached_input"]) == ("2.5", "10", "1.25")
    batch = await price_of(talker, "openai/gpt-4o", processing="batch")
    assert batch["tiers"][0]["input"] == "1.25"


async def test_kinds_of_tokens_with_a_price_of_their_own_are_shown(talker):
    for kind in ("openai", "anthropic", "gemini"):
        await integrated(talker, kind)
    await settle(talker, discounts=[{"kind": "gemini", "percent": "10"}])
    told = {
        "openai/gpt-image-1.5": {"image_input": "8", "cached_image": "2", "image_output": "32"},
        "anthropic/claude-sonnet-4-5": {"hour_write": "6"},
        "gemini/gemini-2.5-flash": {"audio_input": "0.9", "cached_audio": "0.09"},
        "openai/gpt-4o": {},
    }
    names = (
        "reasoning", "hour_write", "audio_input", "image_input", "video_input", "cached_audio",
        "cached_image", "audio_output", "image_output",
    )  # fmt: skip
    for model, apart in told.items():
        tier = (await price_of(talker, model))["tiers"][0]
        assert {name: tier[name] for name in names} == dict.fromkeys(names) | apart


async def test_a_model_nobody_knows_has_no_price_until_one_is_set(talker):
    await integrated(talker)
    assert (await price_of(talker, "openai/own-thing"))["known"] is False
    made = await override(talker, model="own-*", input="0.2", output="0.6", call="0.01")
    shown = await price_of(talker, "openai/own-thing")
    assert (shown["source"], shown["override_id"]) == ("override", made["id"])
    assert (shown["tiers"][0]["input"], shown["call"]) == ("0.2", "0.01")


async def test_the_closest_override_holds(talker):
    await integrated(talker)
    for slug, model, rate in (
        (None, "*", "1"), (None, "gpt-*", "2"), (None, "gpt-4o", "3"), ("openai", "*", "4"),
        ("openai", "gpt-*", "5"),
    ):  # fmt: skip
        await override(talker, integration=slug, model=model, input=rate)
        assert (await price_of(talker, "openai/gpt-4o"))["tiers"][0]["input"] == rate


async def test_a_longer_input_costs_what_its_tier_says(app, talker):
    tiers = [{"above": 1000, "input": "2", "output": "20"}]
    await override(talker, model="chat", input="1", output="10", cached_input="0.5", tiers=tiers)
    inference = app.state.inference
    workspace_id = talker.person.workspace_id
    target = await inference.directory.target(UUID(workspace_id), "demo/chat")
    price = await inference.prices.price(UUID(workspace_id), target.endpoint, target.model)
    assert price.cost(Usage(1000, 10)) == 1_000_000 + 100_000
    assert price.cost(Usage(1001, 10)) == 2_002_000 + 200_000
    assert price.cost(Usage(1000, 0, 400)) == 600_000 + 200_000
    assert price.cost(Usage(1001, 0, 1001)) == 2_002_000


async def test_discounts_are_taken_from_lists_and_not_from_own_prices(talker):
    await integrated(talker)
    await settle(
        talker,
        discounts=[{"percent": "5"}, {"kind": "openai", "percent": "10"},
                   {"integration": "openai", "percent": "12.5"}],
    )  # fmt: skip
    shown = await price_of(talker, "openai/gpt-4o")
    assert (shown["discount_percent"], shown["tiers"][0]["output"]) == ("12.5", "8.75")
    await override(talker, model="gpt-4o", output="1")
    assert (await price_of(talker, "openai/gpt-4o"))["tiers"][0]["output"] == "1"


async def test_the_currency_is_shown_beside_the_price(talker):
    settings = await settle(talker, currency="EUR", units_per_usd="0.92")
    assert settings["currency"] == "EUR"
    shown = await price_of(talker, "demo/chat")
    assert (shown["source"], shown["currency"], shown["units_per_usd"]) == ("free", "EUR", "0.92")


async def test_a_deleted_override_holds_no_more_and_comes_back(talker):
    made = await override(talker, model="chat", input="1")
    url, headers = f"/v1/prices/overrides/{made['id']}", talker.person.headers
    stale = await talker.http.patch(
        url, json={"input": "2"}, headers=headers | {"If-Match": '"v9"'}
    )
    assert stale.status_code == 412
    changed = await talker.http.patch(url, json={"input": "2"}, headers=headers)
    assert (changed.json()["input"], changed.json()["version"]) == ("2", 2)
    assert (await talker.http.delete(url, headers=headers)).status_code == 204
    assert (await price_of(talker, "demo/chat"))["source"] == "free"
    assert (await talker.http.post(f"{url}/restore", headers=headers)).status_code == 200
    assert (await price_of(talker, "demo/chat"))["source"] == "override"


@pytest.mark.parametrize(
    "wrong",
    [
        {"input": "-1"},
        {"input": "0.0000001"},
        {"output": "1000000.1"},
        {"model": ""},
        {"tiers": [{"above": 0, "input": "1", "output": "1"}]},
        {"tiers": [{"above": 5, "input": "1", "output": "1"}] * 2},
        {"colour": "blue"},
    ],
)
async def test_a_price_that_makes_no_sense_is_refused(talker, wrong):
    answer = await talker.http.post(
        "/v1/prices/overrides", json={"model": "x"} | wrong, headers=talker.person.headers
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")


@pytest.mark.parametrize(
    "wrong",
    [
        {"currency": "euro"},
        {"units_per_usd": "0"},
        {"discounts": [{"percent": "101"}]},
        {"discounts": [{"percent": "1", "kind": "openai", "integration": "openai"}]},
        {"discounts": [{"percent": "1"}, {"percent": "2"}]},
    ],
)
async def test_settings_that_make_no_sense_are_refused(talker, wrong):
    answer = await talker.http.patch(
        "/v1/prices/settings", json=wrong, headers=talker.person.headers
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
