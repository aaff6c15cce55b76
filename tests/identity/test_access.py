"""The resolver: what it asks the database, and what it does not."""

import asyncio
import time
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from app.core.clock import now
from app.core.db import SYSTEM
from app.identity.access import IdentityResolver
from app.identity.api_keys import secret
from app.identity.api_keys.errors import ApiKeyInvalid, ApiKeyRevoked
from app.identity.api_keys.known_keys import KnownKeys
from app.identity.api_keys.models import ApiKey
from app.identity.workspaces.models import Membership
from tests.support.identity import bearer, counted_queries, new_key, new_person, until


async def test_a_made_up_key_costs_no_query(client, kernel):
    async with counted_queries(kernel) as sent:
        for _ in range(5000):
            with pytest.raises(ApiKeyInvalid):
                await kernel.resolver.resolve(secret.PREFIX + uuid4().hex + "abcd", None)
        answer = await client.get("/v1/me", headers=bearer(secret.make()[:-1] + "*"))
    assert (answer.status_code, answer.json()["code"]) == (401, "api_key_invalid")
    assert [statement for statement in sent if "api_keys" in statement] == []


async def test_a_well_formed_unknown_key_is_refused(client):
    answer = await client.get("/v1/me", headers=bearer(secret.make()))
    assert (answer.status_code, answer.json()["code"]) == (401, "api_key_invalid")


async def test_a_busy_key_is_looked_up_once(client, kernel):
    key = await new_key(client, await new_person(client))
    await kernel.resolver.resolve(key["key"], None)
    await asyncio.sleep(0.1)
    async with counted_queries(kernel) as sent:
        began = time.process_time()
        for _ in range(1000):
            await kernel.resolver.resolve(key["key"], None)
        took = time.process_time() - began
    assert sent == []
    assert took / 1000 < 100e-6


async def test_a_crowd_with_one_key_is_one_look_up(client, kernel):
    key = await new_key(client, await new_person(client))
    async with counted_queries(kernel) as sent:
        resolve = kernel.resolver.resolve
        found = await asyncio.gather(*(resolve(key["key"], None) for _ in range(50)))
    assert len(set(map(id, found))) == 1
    assert len([s for s in sent if s.startswith("SELECT api_keys.")]) == 1


async def test_a_busy_key_is_looked_up_anew_while_nobody_waits(client, kernel):
    key = await new_key(client, await new_person(client))
    async with IdentityResolver(kernel) as resolver:
        resolver._known = KnownKeys(fresh_seconds=1.0)
        await resolver.resolve(key["key"], None)
        began = time.monotonic()
        async with counted_queries(kernel) as sent:
            for _ in range(30):
                await asyncio.sleep(0.05)
                await resolver.resolve(key["key"], None)
        # One each half of its time; and one because the process began to listen meanwhile.
        most = (time.monotonic() - began) / 0.5 + 1
        assert 2 <= len([s for s in sent if s.startswith("SELECT api_keys.")]) <= most
        # Not even a process that hears of no revocation serves it for longer.
        async with kernel.database.unit(SYSTEM) as session:
            (await session.get(ApiKey, key["id"])).revoked_at = now()

        async def refused():
            try:
                await resolver.resolve(key["key"], None)
            except ApiKeyRevoked:
                return True

        await until(refused, seconds=2)


async def test_a_token_is_checked_with_one_query_of_the_database(client, kernel):
    person = await new_person(client)
    async with counted_queries(kernel) as sent:
        await kernel.resolver.resolve(person.access_token, None)
    assert len([s for s in sent if "user_sessions" in s]) == 1
    assert len([s for s in sent if "set_config" not in s]) == 1


async def test_last_use_is_written_once_a_minute_and_is_no_change(client, kernel):
    person = await new_person(client)
    key = await new_key(client, person)
    await asyncio.gather(*(kernel.resolver.resolve(key["key"], None) for _ in range(20)))

    async def row():
        async with kernel.database.unit(SYSTEM) as session:
            return await session.scalar(select(ApiKey).where(ApiKey.id == key["id"]))

    async def used():
        return (await row()).last_used_at

    await until(used)
    first = await row()
    assert first.updated_at == first.updated_at.fromisoformat(key["updated_at"])
    kernel.resolver._known.clear()
    await kernel.resolver.resolve(key["key"], None)
    await asyncio.sleep(0.1)
    assert (await row()).last_used_at == first.last_used_at


async def test_another_process_refuses_a_revoked_key_in_a_moment(client, kernel):
    person = await new_person(client)
    key = await new_key(client, person)
    async with IdentityResolver(kernel) as other:

        async def listens():
            return other._known.generation

        await until(listens)
        await other.resolve(key["key"], None)
        await client.delete(f"/v1/api-keys/{key['id']}", headers=person.headers)

        async def refused():
            try:
                await other.resolve(key["key"], None)
            except ApiKeyRevoked:
                return True

        await until(refused, seconds=2)


async def test_a_scope_this_version_does_not_know_means_nothing(client, kernel):
    person = await new_person(client)
    key = await new_key(client, person, scopes=["models:read"])
    async with kernel.database.unit(SYSTEM) as session:
        row = await session.get(ApiKey, key["id"])
        row.scopes = ["models:read", "teleport:write"]
    access = await kernel.resolver.resolve(key["key"], None)
    assert access.permissions == {"models:read"}


async def test_who_was_let_in_stands_until_their_credential_or_their_place_ends(client, kernel):
    person = await new_person(client)
    key = await new_key(client, person)
    resolver = kernel.resolver
    by_token = await resolver.resolve(person.access_token, None)
    by_key = await resolver.resolve(key["key"], None)
    held = (by_token, by_key)

    async def suspended_at(moment):
        async with kernel.database.unit(SYSTEM) as session:
            await session.execute(
                update(Membership)
                .where(Membership.user_id == by_token.user_id)
                .values(suspended_at=moment)
            )

    assert [await resolver.stands(each) for each in held] == [True, True]
    await suspended_at(now())
    assert [await resolver.stands(each) for each in held] == [False, False]
    await suspended_at(None)
    await client.delete(f"/v1/api-keys/{key['id']}", headers=person.headers)
    assert [await resolver.stands(each) for each in held] == [True, False]
    await client.post("/v1/auth/logout-all", headers=person.headers)
    assert [await resolver.stands(each) for each in held] == [False, False]


async def test_a_key_past_its_end_stands_no_more(client, kernel):
    key = await new_key(client, await new_person(client))
    access = await kernel.resolver.resolve(key["key"], None)
    async with kernel.database.unit(SYSTEM) as session:
        await session.execute(
            update(ApiKey).where(ApiKey.id == access.credential_id).values(expires_at=now())
        )
    assert not await kernel.resolver.stands(access)
