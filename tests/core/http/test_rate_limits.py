"""Requests are counted once, in one place, and every counted answer says how it stands."""

import asyncio
import tempfile
from pathlib import Path

import http_sf
import httpx2
import openai
import pytest
from pydantic import SecretStr

from app.core.http.rate_limits import SENSITIVE, Wording
from app.core.limits import Limit, Policy, TokenLimit, Verdict
from app.core.metrics import LIMITER_FAIL_OPENS
from app.identity.scim.edge import PREFIX
from app.main import ROUTERS
from tests.runs.test_valkey_restart import Server
from tests.support.identity import PASSWORD, bearer, counted_queries, new_key, until
from tests.support.openapi import PUBLIC


def standing(answer):
    """The header `RateLimit` as {policy: (left, seconds)}."""
    fields = http_sf.parse(answer.headers["ratelimit"].encode(), tltype="list")
    return {name: (rest["r"], rest["t"]) for name, rest in fields}


def policies(answer):
    """The header `RateLimit-Policy` as {policy: (requests, seconds)}."""
    fields = http_sf.parse(answer.headers["ratelimit-policy"].encode(), tltype="list")
    return {name: (rest["q"], rest["w"]) for name, rest in fields}


async def test_every_policy_is_told_in_structured_fields(serving, person):
    limits = {
        f"rate_limit_{name}": Limit(name, requests, 3600)
        for name, requests in (("user", 10), ("workspace", 20), ("address", 30), ("key", 5))
    }
    async with serving(**limits) as (_, http):
        first = await http.get("/v1/me", headers=person.headers)
        hour = 3600
        assert policies(first) == {
            "address": (30, hour), "user": (10, hour), "workspace": (20, hour),
        }  # fmt: skip
        assert standing(first) == {"address": (29, 120), "user": (9, 360), "workspace": (19, 180)}
        key = await new_key(http, person, scopes=["profile:read"])
        by_key = await http.get("/v1/me", headers=bearer(key["key"]))
        assert policies(by_key)["key"] == (5, hour)
        assert standing(by_key)["key"] == (4, 720)
        assert standing(by_key)["user"][0] == 7  # three calls of one person, by session and key


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/me", 200),
        ("GET", "/v1/conversations/0197ffff-0000-7000-8000-000000000001", 404),
        ("PATCH", "/v1/me", 422),
    ],
)
async def test_refusals_of_other_kinds_say_it_too(client, person, method, path, status):
    answer = await client.request(
        method, path, headers=person.headers, json={"name": 1} if method == "PATCH" else None
    )
    assert answer.status_code == status
    assert set(standing(answer)) == {"address", "user", "workspace"}


async def test_a_caller_without_a_credential_and_a_body_that_is_no_json_are_counted(client, person):
    missing = await client.get("/v1/me")
    headers = {**person.headers, "content-type": "application/json"}
    garbage = await client.patch("/v1/me", content=b"{", headers=headers)
    assert (missing.status_code, garbage.status_code) == (401, 400)
    assert set(standing(missing)) == set(standing(garbage)) == {"address"}


async def test_beyond_the_limit_is_a_429_that_says_when(serving, person):
    async with serving(rate_limit_user=Limit("user", 3, 60)) as (_, http):
        answers = [await http.get("/v1/me", headers=person.headers) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    refused = answers[-1]
    problem = refused.json()
    assert (problem["code"], problem["retryable"]) == ("rate_limited", True)
    assert "`user` of 3 requests within 60 seconds" in problem["detail"]
    assert 1 <= int(refused.headers["retry-after"]) <= 20
    assert standing(refused)["user"][0] == 0


async def test_of_200_calls_at_once_on_a_limit_of_50_exactly_50_pass(serving, person):
    async with serving(rate_limit_user=Limit("user", 50, 3600)) as (_, http):
        answers = await asyncio.gather(
            *(http.get("/v1/me", headers=person.headers) for _ in range(200))
        )
    codes = [answer.status_code for answer in answers]
    assert (codes.count(200), codes.count(429)) == (50, 150)


async def test_off_is_off(serving, person):
    none = dict.fromkeys(
        ("rate_limit_user", "rate_limit_workspace", "rate_limit_address", "rate_limit_key")
    )
    async with serving(**none) as (_, http):
        answer = await http.get("/v1/me", headers=person.headers)
    assert answer.status_code == 200
    assert "ratelimit" not in answer.headers


async def test_health_is_never_counted(serving):
    async with serving(rate_limit_address=Limit("address", 1, 3600)) as (_, http):
        for _ in range(3):
            answer = await http.get("/health/live")
            assert answer.status_code == 200
            assert "ratelimit" not in answer.headers


async def test_a_sensitive_route_has_a_limit_of_its_own_by_address(serving):
    body = {"email": "nobody@example.com", "password": "not this one"}
    async with serving(rate_limit_sensitive=Limit("sensitive", 2, 60)) as (_, http):
        answers = [await http.post("/v1/auth/login", json=body) for _ in range(3)]
        other = await http.post("/v1/auth/refresh", json={"refresh_token": "not-a-token"})
    assert [answer.status_code for answer in answers] == [401, 401, 429]
    assert policies(answers[0])["sensitive"] == (2, 60)
    assert other.status_code == 401


async def test_refused_credentials_are_limited_by_address_without_a_query(serving, person):
    async with serving(rate_limit_attempts=Limit("attempts", 3, 600)) as (app, http):
        wrong = bearer("lum_live_" + "a" * 36)
        codes = [(await http.get("/v1/me", headers=wrong)).status_code for _ in range(5)]
        assert codes == [401, 401, 401, 429, 429]
        async with counted_queries(app.state.kernel) as queries:
            refused = await http.get("/v1/me", headers=person.headers)
        assert refused.status_code == 429
        assert "`attempts`" in refused.json()["detail"]
        assert queries == []


async def test_wrong_scim_tokens_are_attempts_as_well(serving):
    async with serving(rate_limit_attempts=Limit("attempts", 2, 600)) as (app, http):
        wrong = bearer("lum_scim_" + "a" * 36)
        codes = [(await http.get(f"{PREFIX}/Users", headers=wrong)).status_code for _ in range(3)]
        assert codes == [401, 401, 429]
        async with counted_queries(app.state.kernel) as queries:
            refused = await http.get(f"{PREFIX}/Users", headers=wrong)
        assert (refused.status_code, queries) == (429, [])
        assert int(refused.headers["retry-after"]) >= 1


async def test_good_credentials_are_no_attempts(serving, person):
    async with serving(rate_limit_attempts=Limit("attempts", 1, 600)) as (_, http):
        for _ in range(4):
            assert (await http.get("/v1/me", headers=person.headers)).status_code == 200


@pytest.fixture
async def own_valkey():
    with tempfile.TemporaryDirectory(prefix="valkey-") as folder:
        server = Server(Path(folder), durable=False)
        server.start()
        await until(lambda: asyncio.sleep(0, server.socket.exists()))
        yield server
        server.kill()


async def test_with_valkey_stopped_most_is_served_and_what_is_sensitive_is_not(
    serving, person, own_valkey, capsys
):
    login = {"email": person.email, "password": PASSWORD, "refresh_token_in": "body"}
    async with serving(redis_url=SecretStr(f"unix://{own_valkey.socket}")) as (_, http):
        counted = await http.get("/v1/me", headers=person.headers)
        assert "ratelimit" in counted.headers
        own_valkey.kill()
        before = LIMITER_FAIL_OPENS._value.get()
        served = [await http.get("/v1/me", headers=person.headers) for _ in range(3)]
        refused = await http.post("/v1/auth/login", json=login)
        assert [answer.status_code for answer in served] == [200, 200, 200]
        assert "ratelimit" not in served[0].headers
        assert LIMITER_FAIL_OPENS._value.get() == before + 3
        assert (refused.status_code, refused.json()["code"]) == (503, "limiter_unavailable")
        assert int(refused.headers["retry-after"]) >= 1
        assert capsys.readouterr().err.count("limiter_unavailable") == 1

        own_valkey.start()
        await until(lambda: asyncio.sleep(0, own_valkey.socket.exists()))
        again = await http.post("/v1/auth/login", json=login)
        assert again.status_code == 200, again.text
        assert "ratelimit" in again.headers


@pytest.fixture(scope="module")
async def key(address, person):
    async with httpx2.AsyncClient(base_url=address, timeout=20, verify=False) as http:
        yield (await new_key(http, person, scopes=["models:read", "models:invoke"]))["key"]


async def test_on_vendor_routes_openai_s_headers_are_sent_as_well(serving, key):
    async with serving(rate_limit_key=Limit("key", 10, 60)) as (_, http):
        answer = await http.get("/openai/v1/models", headers=bearer(key))
    assert answer.headers["x-ratelimit-limit-requests"] == "10"
    assert answer.headers["x-ratelimit-remaining-requests"] == "9"
    assert answer.headers["x-ratelimit-reset-requests"] == "6s"
    assert standing(answer)["key"] == (9, 6)


def test_tokens_are_told_apart_from_requests():
    policies = Policy(Limit("key", 10, 60), "key:1"), Policy(TokenLimit("key", 1000, 60), "key:1")
    verdict = Verdict(policies, (6_000_000, 60_000_000), (0, 6_500_000))
    assert dict(Wording(policies).vendor_headers(verdict)) == {
        b"x-ratelimit-limit-requests": b"10",
        b"x-ratelimit-remaining-requests": b"9",
        b"x-ratelimit-reset-requests": b"6s",
        b"x-ratelimit-limit-tokens": b"1000",
        b"x-ratelimit-remaining-tokens": b"0",
        b"x-ratelimit-reset-tokens": b"1m0s",
    }
    refusal = verdict.refusal()
    assert "1000 tokens within 60 seconds" in refusal.detail
    assert refusal.retry_after == 6.5


async def test_openai_s_client_understands_the_refusal(serving, key):
    async with serving(rate_limit_key=Limit("key", 1, 60)) as (_, http):
        client = openai.AsyncOpenAI(
            base_url=http.base_url.join("/openai/v1"), api_key=key, max_retries=0
        )
        async with client:
            await client.models.list()
            with pytest.raises(openai.RateLimitError) as refused:
                await client.models.list()
    assert refused.value.code == "rate_limit_exceeded"
    assert refused.value.type == "rate_limit_error"
    assert int(refused.value.response.headers["retry-after"]) >= 1
    assert refused.value.response.headers["x-ratelimit-remaining-requests"] == "0"


async def test_a_vendor_call_is_one_round_trip(serving, key):
    async with serving() as (app, http):
        await http.get("/openai/v1/models", headers=bearer(key))
        valkey = app.state.kernel.valkey
        run = []
        for _ in range(40):
            before = await scripts_run(valkey)
            for _ in range(2):
                await http.get("/openai/v1/models", headers=bearer(key))
            run.append(await scripts_run(valkey) - before)
        assert min(run) == 2  # the count is the server's, and others use it meanwhile


async def test_wrong_keys_on_vendor_routes_are_limited_as_well(serving):
    async with serving(rate_limit_attempts=Limit("attempts", 1, 600)) as (_, http):
        wrong = bearer("sk-wrong")
        codes = [(await http.get("/openai/v1/models", headers=wrong)).status_code for _ in range(3)]
    assert codes == [401, 429, 429]


async def scripts_run(valkey):
    stats = await valkey.info("commandstats")
    return sum(
        stats.get(name, {"calls": 0})["calls"] for name in ("cmdstat_evalsha", "cmdstat_eval")
    )


async def test_a_key_has_limits_of_its_own_beside_the_operator_s(serving, person):
    async with serving(rate_limit_key=Limit("key", 100, 86_400)) as (_, http):
        own = [{"requests": 1, "seconds": 60}]
        key = await new_key(http, person, scopes=["profile:read"], limits=own)
        first = await http.get("/v1/me", headers=bearer(key["key"]))
        second = await http.get("/v1/me", headers=bearer(key["key"]))
    assert (first.status_code, second.status_code) == (200, 429)
    assert policies(second)["key-60s"] == (1, 60)
    assert policies(second)["key"] == (100, 86_400)
    assert standing(second)["key"][0] == standing(first)["key"][0] == 99


def test_every_call_that_is_open_to_all_and_changes_something_is_sensitive():
    open_writes = {
        route.operation_id: getattr(route, SENSITIVE)
        for router in ROUTERS
        for route in router.routes
        if getattr(route, "operation_id", None) in PUBLIC and not route.methods <= {"GET"}
    }
    assert len(open_writes) > 3
    # Signing out guesses nothing: whoever has the token may end its session. A webhook's caller
    # sends many from one address; each trigger counts its own.
    free = {"sessions_delete", "workflow_hooks_receive"}
    assert {name for name, marked in open_writes.items() if not marked} == free
