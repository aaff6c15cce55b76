"""Exports and erasures for tests, made through the API and carried out at once."""

import io
import json
import zipfile
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
from sqlalchemy import text, update

from app.core.clock import now
from app.core.db import SYSTEM
from app.core.kernel import Kernel
from app.oversight.privacy.erasures.jobs import NAME as ERASURES
from app.oversight.privacy.erasures.models import PrivacyErasure
from tests.support.identity import Person, until


async def new_export(http: httpx2.AsyncClient, person: Person) -> dict[str, Any]:
    """An export that is ready."""
    made = await http.post("/v1/privacy/exports", headers=person.headers)
    assert made.status_code == 201, made.text
    return await ready_export(http, person, made.json()["id"])


async def ready_export(http: httpx2.AsyncClient, person: Person, export_id: str) -> dict[str, Any]:
    found: dict[str, Any] = {}

    async def is_ready() -> bool:
        answer = await http.get(f"/v1/privacy/exports/{export_id}", headers=person.headers)
        found.update(answer.json())
        return found["status"] == "ready"

    await until(is_ready, seconds=15)
    return found


async def downloaded(http: httpx2.AsyncClient, person: Person, export_id: str) -> zipfile.ZipFile:
    answer = await http.get(f"/v1/privacy/exports/{export_id}/download", headers=person.headers)
    assert answer.status_code == 200, answer.text
    return zipfile.ZipFile(io.BytesIO(answer.content))


def rows_of(archive: zipfile.ZipFile, table: str) -> list[dict[str, Any]]:
    """The rows of one table; none where the archive has no such file."""
    name = f"postgres/{table}.jsonl"
    if name not in archive.namelist():
        return []
    return [json.loads(line) for line in archive.read(name).splitlines()]


async def ask_for_erasure(http: httpx2.AsyncClient, person: Person) -> dict[str, Any]:
    """An erasure that waits."""
    made = await http.post("/v1/privacy/erasures", headers=person.headers)
    assert made.status_code == 201, made.text
    return made.json()


async def carry_out(
    http: httpx2.AsyncClient, kernel: Kernel, erasure: dict[str, Any]
) -> dict[str, Any]:
    """Let the service's own job do an erasure now; returns the certificate as it is shown."""
    await make_due(kernel, erasure)
    kernel.nudge(ERASURES)
    return await certificate(http, erasure)


async def make_due(kernel: Kernel, erasure: dict[str, Any]) -> None:
    async with kernel.database.unit(SYSTEM) as session:
        await session.execute(
            update(PrivacyErasure)
            .where(PrivacyErasure.id == UUID(erasure["id"]))
            .values(due_at=now() - timedelta(seconds=1))
        )


async def certificate(http: httpx2.AsyncClient, erasure: dict[str, Any]) -> dict[str, Any]:
    """The certificate, once it is there."""
    shown: dict[str, Any] = {}

    async def is_completed() -> bool:
        answer = await http.get(f"/v1/privacy/certificates/{erasure['certificate_id']}")
        shown.update(answer.json())
        return shown["status"] == "completed"

    await until(is_completed, seconds=30)
    return shown


async def tables_with(kernel: Kernel, *words: str) -> list[str]:
    """`table: row` for every row of every table that has one of these words anywhere in it."""
    found = []
    async with kernel.database.unit(SYSTEM) as session:
        names = await session.scalars(
            text("select tablename from pg_tables where schemaname = 'public' order by 1")
        )
        for name in [name for name in names if name != "alembic_version"]:
            for word in words:
                rows = await session.scalars(
                    text(f"select t::text from {name} t where t::text ilike :word"),  # noqa: S608
                    {"word": f"%{word}%"},
                )
                found += [f"{name}: {row[:3000]}" for row in rows]
    return found
