"""The audit trail in tests: read through the API, verified, and tampered with as its owner."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import httpx2
import orjson
from sqlalchemy import text

from app.core.config import Settings
from app.core.db import sync_engine
from app.core.kernel import Kernel
from app.oversight.audit.checking import verify_chain, verify_export
from app.oversight.audit.verify import Verifier
from tests.support.identity import Person

Line = dict[str, Any]


async def trail(http: httpx2.AsyncClient, person: Person, **filters: object) -> list[Line]:
    answer = await http.get("/v1/audit-logs", params=filters, headers=person.headers)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def exported(http: httpx2.AsyncClient, person: Person, **filters: object) -> list[Line]:
    answer = await http.get("/v1/audit-logs/export", params=filters, headers=person.headers)
    assert answer.status_code == 200, answer.text
    return [orjson.loads(line) for line in answer.content.splitlines()]


def findings(lines: Iterable[Line], trusted: dict[str, bytes] | None = None) -> list[str]:
    verifier = Verifier(trusted)
    return [str(found) for found in verify_export(verifier, map(orjson.dumps, lines))]


async def checked(kernel: Kernel, workspace_id: str) -> tuple[list[str], Verifier]:
    """What verifying a chain in Postgres finds."""
    verifier = Verifier()
    chain = verify_chain(kernel.database, kernel.vault, UUID(workspace_id), verifier)
    return [str(found) async for found in chain], verifier


def as_owner(settings: Settings, statement: str, **values: object) -> None:
    """Run SQL as the owner of the tables: what only somebody with the database itself can do."""
    engine = sync_engine(settings.database_url.get_secret_value())
    with engine.begin() as connection:
        connection.execute(text("select set_config('luminous.system', 'on', true)"))
        connection.execute(text(statement), values)
    engine.dispose()
