"""Proven domains are looked at again, and lapse once their record has been gone for three days."""

from datetime import timedelta
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy import select, update

from app.core.clock import now
from app.core.db import SYSTEM
from app.identity.connections.domain_names import normal_domain
from app.identity.connections.jobs import CHECKED_EVERY, MISSING_FOR, domains_job
from app.identity.connections.models import SsoDomain
from app.identity.connections.rules import domain_of
from tests.support.audit import trail
from tests.support.identity import new_person
from tests.support.sso import new_connection, prove_domain


@pytest_asyncio.fixture(loop_scope="session")
async def proven(http, provider, name_server, sso_kernel):
    """Someone with a domain that is due to be looked at, and its row."""
    owner = await new_person(http)
    domain = await prove_domain(
        http, owner, await new_connection(http, owner, provider.url), name_server
    )
    async with sso_kernel.database.unit(SYSTEM) as session:
        row = await session.scalar(select(SsoDomain).where(SsoDomain.domain == domain))
    await change(sso_kernel, row, checked_at=now() - CHECKED_EVERY - timedelta(minutes=1))
    return owner, row


async def change(kernel, row, **values) -> None:
    async with kernel.database.unit(SYSTEM) as session:
        await session.execute(update(SsoDomain).where(SsoDomain.id == row.id).values(**values))


async def check(kernel, row) -> SsoDomain:
    await domains_job(kernel).run()
    async with kernel.database.unit(SYSTEM) as session:
        return await session.get(SsoDomain, UUID(str(row.id)))


async def test_a_record_that_is_there_keeps_the_domain(proven, sso_kernel):
    _, row = proven
    await change(sso_kernel, row, failing_since=now() - timedelta(days=9))
    seen = await check(sso_kernel, row)
    assert (seen.verified_at, seen.failing_since) == (row.verified_at, None)
    assert seen.checked_at > now() - timedelta(minutes=1)


async def test_a_record_that_is_gone_takes_three_days_to_count(
    http, proven, sso_kernel, name_server
):
    owner, row = proven
    name_server.records.clear()
    seen = await check(sso_kernel, row)
    assert seen.verified_at == row.verified_at
    assert seen.failing_since > now() - timedelta(minutes=1)
    again = await check(sso_kernel, row)
    assert again.checked_at == seen.checked_at
    long_ago = now() - MISSING_FOR - timedelta(minutes=1)
    await change(sso_kernel, row, failing_since=long_ago, checked_at=long_ago)
    path = f"/v1/sso-domains/{row.id}"
    before = (await http.get(path, headers=owner.headers)).headers["etag"]
    assert (await check(sso_kernel, row)).verified_at is None
    shown = await http.get(path, headers=owner.headers)
    assert shown.json()["verified_at"] is None
    assert shown.headers["etag"] != before
    told = await trail(http, owner, action="sso_domain.lapsed")
    assert told[0]["detail"] == {"domain": row.domain}


async def test_a_name_server_that_is_silent_says_nothing_of_the_record(
    proven, sso_kernel, name_server
):
    _, row = proven
    settings = sso_kernel.settings
    try:
        sso_kernel.settings = settings.model_copy(update={"dns_servers": ("127.0.0.1:9",)})
        seen = await check(sso_kernel, row)
    finally:
        sso_kernel.settings = settings
    assert (seen.verified_at, seen.failing_since) == (row.verified_at, None)


@pytest.mark.parametrize(
    ("address", "domain"),
    [
        ("ada@straße.example", "xn--strae-oqa.example"),
        ("ada@xn--strae-oqa.example", "xn--strae-oqa.example"),
        ("ada@strasse.example", "strasse.example"),
        ("ada@bücher.example", "xn--bcher-kva.example"),
    ],
)
def test_a_domain_is_not_that_of_another_spelling(address, domain):
    """IDNA 2003 would make `straße` and `strasse` one: two owners, one proof."""
    assert domain_of(address) == domain
    assert normal_domain(address.partition("@")[2]) == domain
