"""What a key may ask of models: set, delivered with every call, and never made freer by a key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.auth import KeyRules
from app.core.limits import TokenLimit
from app.identity.api_keys.rules import freer, inherited
from tests.support.identity import bearer, new_key, new_person

RULES = {
    "models": ["openai/gpt-*", "cheap"],
    "features": ["chat", "embeddings"],
    "tokens": [{"tokens": 5_000_000, "seconds": 60}],
    "concurrency": 3,
    "route": "cheap",
    "tags": ["shop"],
    "tags_fixed": True,
    "customer": "c-1",
}
names = st.sampled_from(["openai/*", "openai/gpt-*", "openai/gpt-4o", "anthropic/*", "*"])
rules = st.builds(
    KeyRules,
    models=st.none() | st.lists(names, min_size=1, max_size=3).map(tuple),
    features=st.none() | st.frozensets(st.sampled_from(["chat", "audio", "images"]), min_size=1),
    tokens=st.lists(
        st.builds(TokenLimit, st.just("t"), st.integers(1, 50), st.sampled_from([1, 60])),
        max_size=2,
        unique_by=lambda limit: limit.seconds,
    ).map(tuple),
    concurrency=st.none() | st.integers(1, 5),
    tags=st.lists(st.sampled_from("abc"), max_size=2, unique=True).map(tuple),
    tags_fixed=st.booleans(),
    customer=st.none() | st.sampled_from("xy"),
)


@given(rules)
def test_what_asks_for_nothing_inherits_all(own):
    made = inherited(own, KeyRules())
    assert freer(own, made) == []


@given(rules, rules, rules)
def test_to_be_held_to_less_is_passed_on(first, second, third):
    if not freer(first, second) and not freer(second, third):
        assert freer(first, third) == []


@pytest.mark.asyncio(loop_scope="session")
async def test_a_keys_rules_are_told_with_every_call_it_makes(kernel, client):
    person = await new_person(client)
    key = await new_key(client, person, **RULES, metadata={"team": "blue"})
    assert {name: key[name] for name in RULES} == RULES
    assert key["metadata"] == {"team": "blue"}
    access = await kernel.resolver.resolve(key["key"], None)
    assert access.rules == KeyRules(
        models=("openai/gpt-*", "cheap"),
        features=frozenset({"chat", "embeddings"}),
        tokens=(TokenLimit("key-tokens-60s", 5_000_000, 60),),
        concurrency=3,
        route="cheap",
        tags=("shop",),
        tags_fixed=True,
        customer="c-1",
    )


@pytest.mark.asyncio(loop_scope="session")
async def test_a_changed_rule_holds_at_once_and_null_takes_it_away(kernel, client):
    person = await new_person(client)
    key = await new_key(client, person, **RULES)
    await kernel.resolver.resolve(key["key"], None)
    changed = await client.patch(
        f"/v1/api-keys/{key['id']}",
        json={"models": ["anthropic/*"], "concurrency": None, "tokens": None},
        headers=person.headers,
    )
    assert changed.status_code == 200, changed.text
    access = await kernel.resolver.resolve(key["key"], None)
    assert access.rules.models == ("anthropic/*",)
    assert (access.rules.concurrency, access.rules.tokens) == (None, ())
    assert access.rules.tags == ("shop",)


@pytest.mark.asyncio(loop_scope="session")
async def test_a_key_that_a_key_makes_is_held_to_no_less(client):
    person = await new_person(client)
    scopes = ["api_keys:write", "models:invoke"]
    key = await new_key(client, person, scopes=scopes, **RULES | {"tags_fixed": False})
    mine = bearer(key["key"])
    made = await client.post(
        "/v1/api-keys", json={"name": "x", "tags": ["night"], "models": ["cheap"]}, headers=mine
    )
    assert made.status_code == 201, made.text
    assert made.json()["tags"] == ["shop", "night"]
    assert (made.json()["models"], made.json()["concurrency"]) == (["cheap"], 3)
    for wrong in (
        {"models": ["openai/*"]},
        {"features": ["images"]},
        {"concurrency": 4},
        {"tokens": [{"tokens": 6_000_000, "seconds": 60}]},
        {"customer": "c-2"},
    ):
        refused = await client.post("/v1/api-keys", json={"name": "x"} | wrong, headers=mine)
        assert (refused.status_code, refused.json()["code"]) == (403, "key_freer_than_own")
        assert refused.json()["errors"][0]["pointer"] == f"/body/{next(iter(wrong))}"
    for change in ({"tags": []}, {"customer": None}):
        freed = await client.patch(f"/v1/api-keys/{key['id']}", json=change, headers=mine)
        assert freed.status_code == 403


@pytest.mark.asyncio(loop_scope="session")
async def test_tags_that_are_fixed_are_fixed_for_the_keys_that_a_key_makes(client):
    person = await new_person(client)
    scopes = ["api_keys:write", "models:invoke"]
    key = await new_key(client, person, scopes=scopes, tags=["shop"], tags_fixed=True)
    mine = bearer(key["key"])
    made = await client.post("/v1/api-keys", json={"name": "x"}, headers=mine)
    assert (made.json()["tags"], made.json()["tags_fixed"]) == (["shop"], True)
    other = {"name": "x", "tags": ["night"]}
    assert (await client.post("/v1/api-keys", json=other, headers=mine)).status_code == 403
    free = {"tags_fixed": False}
    freed = await client.patch(f"/v1/api-keys/{key['id']}", json=free, headers=mine)
    assert (freed.status_code, freed.json()["code"]) == (403, "key_freer_than_own")
    as_person = await client.patch(f"/v1/api-keys/{key['id']}", json=free, headers=person.headers)
    assert as_person.json()["tags_fixed"] is False


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize(
    "wrong",
    [
        {"models": []},
        {"models": ["gpt-?"]},
        {"features": ["telepathy"]},
        {"tokens": [{"tokens": 10**10, "seconds": 60}]},
        {"concurrency": 0},
        {"tags": ["x" * 65]},
    ],
)
async def test_rules_that_make_no_sense_are_refused(client, wrong):
    person = await new_person(client)
    answer = await client.post("/v1/api-keys", json={"name": "x"} | wrong, headers=person.headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
