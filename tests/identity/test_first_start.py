"""The first owner."""

import asyncio

import pytest
import pytest_asyncio

from app.core.auth import Permission
from app.core.kernel import open_kernel
from app.identity.access import IdentityResolver
from app.identity.first_start import EMAIL, create_first_owner, issue_api_key
from app.identity.sessions.schemas import Login
from app.identity.sessions.service import Device, sign_in
from app.identity.users.errors import UserNotFound
from tests.conftest import migrated_database


@pytest_asyncio.fixture(loop_scope="session")
async def empty(stores, settings, worker_number, tmp_path):
    """A kernel over a database without any account."""
    url = migrated_database(stores[0], f"first_start_{worker_number}")
    fresh = type(settings)(
        _env_file=None,
        **settings.model_dump(exclude={"database_url", "data_dir"}),
        database_url=url,
        data_dir=tmp_path,
    )
    async with open_kernel(fresh) as kernel:
        yield kernel


async def test_the_first_owner_can_sign_in_and_use_the_key(empty):
    owner = await create_first_owner(empty)
    assert owner.email == EMAIL
    resolver = IdentityResolver(empty)
    access = await resolver.resolve(owner.api_key, None)
    assert access.permissions == frozenset(Permission)
    login = Login(email=EMAIL, password=owner.password)
    renewal = await sign_in(empty, login, Device("", ""))
    assert renewal.claims.user_id == access.user_id
    await resolver.close()


async def test_there_is_one_first_owner(empty):
    made = await asyncio.gather(*(create_first_owner(empty) for _ in range(4)))
    assert len([m for m in made if m]) == 1
    assert await create_first_owner(empty) is None


async def test_another_key_for_the_first_owner(empty):
    with pytest.raises(UserNotFound):
        await issue_api_key(empty)
    owner = await create_first_owner(empty)
    resolver = IdentityResolver(empty)
    first = await resolver.resolve(owner.api_key, None)
    second = await resolver.resolve(await issue_api_key(empty), None)
    assert second.workspace_id == first.workspace_id
    assert second.credential_id != first.credential_id
    assert second.permissions == frozenset(Permission)
    await resolver.close()
