"""People and keys for tests, made through the API."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from uuid import uuid4

import httpx2
import structlog
from sqlalchemy import event

from app.core.kernel import Kernel
from app.core.statements import Quick

PASSWORD = "a few plain words"
_counted = ContextVar("counted", default=False)


@dataclass(frozen=True)
class Person:
    """Someone who has registered and signed in."""

    user_id: str
    workspace_id: str
    email: str
    access_token: str
    refresh_token: str
    headers: dict[str, str] = field(default_factory=dict)


async def register(http: httpx2.AsyncClient, email: str = "", password: str = PASSWORD) -> dict:
    email = email or f"{uuid4().hex}@example.com"
    answer = await http.post("/v1/auth/register", json={"email": email, "password": password})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def sign_in(http: httpx2.AsyncClient, email: str, password: str = PASSWORD) -> dict:
    answer = await http.post(
        "/v1/auth/login",
        json={"email": email, "password": password, "refresh_token_in": "body"},
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


async def new_person(http: httpx2.AsyncClient, email: str = "") -> Person:
    user = await register(http, email)
    tokens = await sign_in(http, user["email"])
    headers = bearer(tokens["access_token"])
    me = (await http.get("/v1/me", headers=headers)).json()
    return Person(
        user_id=user["id"],
        workspace_id=me["workspace"]["id"],
        email=user["email"],
        access_token=tokens["access_token"],
        refresh_token=tokens["refresh_token"],
        headers=headers,
    )


async def new_key(http: httpx2.AsyncClient, person: Person, **body: object) -> dict:
    answer = await http.post("/v1/api-keys", json={"name": "A key", **body}, headers=person.headers)
    assert answer.status_code == 201, answer.text
    return answer.json()


def bearer(credential: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {credential}"}


async def until(condition: Callable[[], Awaitable[object]], seconds: float = 10) -> None:
    """Wait for something to become true."""
    for _ in range(int(seconds / 0.02)):
        if await condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"still not so after {seconds} seconds")


@asynccontextmanager
async def counted_queries(kernel: Kernel) -> AsyncIterator[list[str]]:
    """The SQL statements of the block and of requests meanwhile; background jobs ask besides."""
    sent: list[str] = []
    mark = _counted.set(True)

    def note(_connection, _cursor, statement, *_) -> None:
        if _counted.get() or structlog.contextvars.get_contextvars().get("request_id"):
            sent.append(statement)

    rows, together = Quick.rows, Quick.together

    async def noted(quick, statement, values):
        note(None, None, statement.sql)
        return await rows(quick, statement, values)

    async def noted_together(quick, calls):
        for call in calls:
            note(None, None, call.sql)
        return await together(quick, calls)

    engine = kernel.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    Quick.rows, Quick.together = noted, noted_together
    try:
        yield sent
    finally:
        _counted.reset(mark)
        Quick.rows, Quick.together = rows, together
        event.remove(engine, "before_cursor_execute", note)
