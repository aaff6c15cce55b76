"""What the audit trail adds to a write: the same writes with it and without it, in turns.

Three legs, on engines of their own with durable commits: one request after the other (`PATCH` of a
conversation through the whole service), and transactions at once, 16 of them in one workspace (they
take turns at the head of its chain) and 16 in a workspace each. Rounds with and without the trail
alternate, and the median round counts, so that the machine's moods cancel out. At the end the
chains are verified: a benchmark that wrote a broken trail fails.

    .venv/bin/python scripts/bench/audit.py [--quick]
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from processes import ROOT

sys.path.insert(0, str(ROOT))

import httpx2
from pydantic import SecretStr
from rich.console import Console
from rich.table import Table

from app.chat.conversations.models import Conversation
from app.cli.embedded import EmbeddedEngines
from app.core.audit import REQUEST, RequestFacts
from app.core.auth import Access
from app.core.clock import now
from app.core.config import Settings
from app.core.db import SYSTEM, Scope
from app.core.ids import new_id
from app.core.kernel import Kernel
from app.core.migrations import upgrade
from app.identity.workspaces.models import Workspace
from app.main import create_app
from app.oversight.audit.checking import verify_chain, whole_trail
from app.oversight.audit.verify import Verifier
from app.oversight.audit.writing import write_trail

AT_ONCE = 16
PERSON = {"email": "bench@example.com", "password": "a few plain words"}


@dataclass(frozen=True)
class Leg:
    """Writes a second without the trail and with it, and milliseconds of one write."""

    name: str
    plain: float
    audited: float
    at_once: int

    @property
    def ratio(self) -> float:
        """How much longer a write takes with the trail."""
        return self.plain / self.audited

    @property
    def added_ms(self) -> float:
        return (1 / self.audited - 1 / self.plain) * 1000 * self.at_once


def settings_for(engines: EmbeddedEngines, folder: Path) -> Settings:
    return Settings(
        _env_file=None,
        database_url=SecretStr(engines.database_url),
        redis_url=SecretStr(engines.redis_url),
        data_dir=folder,
        log_level="error",
        discover_local_models=False,
        **{f"rate_limit_{name}": "off" for name in ("key", "user", "workspace", "address")},
    )


async def new_workspaces(kernel: Kernel, count: int) -> list[UUID]:
    made = [Workspace(id=new_id(), name="bench", kind="team") for _ in range(count)]
    async with kernel.database.unit(SYSTEM) as session:
        session.add_all(made)
    return [each.id for each in made]


async def write_once(kernel: Kernel, workspace_id: UUID) -> None:
    """One transaction of a request that makes a conversation."""
    access = Access(workspace_id, new_id(), frozenset(), "session", new_id())
    async with kernel.database.unit(Scope(workspace_id, access.user_id)) as session:
        session.info[REQUEST] = RequestFacts("bench_write", "req_bench", "::1", "bench", access)
        session.add(
            Conversation(
                id=new_id(),
                workspace_id=workspace_id,
                user_id=access.user_id,
                title="A title",
                labels={},
                last_active_at=now(),
            )
        )


async def at_once(kernel: Kernel, workspaces: list[UUID], writes: int) -> None:
    async def writer(number: int) -> None:
        for _ in range(writes // AT_ONCE):
            await write_once(kernel, workspaces[number % len(workspaces)])

    await asyncio.gather(*(writer(number) for number in range(AT_ONCE)))


async def compare(
    kernel: Kernel, name: str, act: Callable[[int], Awaitable[None]], writes: int, at_once: int
) -> Leg:
    """Rates of `act(writes)` with the trail's hook taken out and put back, round by round."""
    rates: dict[bool, list[float]] = {False: [], True: []}
    hooks = kernel.database.before_commit
    await act(writes // 4)
    for _ in range(5):
        for audited in (False, True):
            if not audited:
                hooks.remove(write_trail)
            began = time.perf_counter()
            await act(writes)
            rates[audited].append(writes / (time.perf_counter() - began))
            if not audited:
                hooks.append(write_trail)
    return Leg(name, statistics.median(rates[False]), statistics.median(rates[True]), at_once)


async def measure(settings: Settings, writes: int) -> tuple[list[Leg], int]:
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        kernel: Kernel = app.state.kernel
        legs = [await compare_requests(app, kernel, writes)]
        for name, count in (("16 at once, one workspace", 1), ("16 at once, 16 workspaces", 16)):
            places = await new_workspaces(kernel, count)

            async def write(writes: int, places: list[UUID] = places) -> None:
                await at_once(kernel, places, writes)

            legs.append(await compare(kernel, name, write, writes, AT_ONCE))
        return legs, await count_findings(kernel)


async def compare_requests(app: object, kernel: Kernel, writes: int) -> Leg:
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://bench") as http:
        (await http.post("/v1/auth/register", json=PERSON)).raise_for_status()
        signed_in = await http.post("/v1/auth/login", json={**PERSON, "refresh_token_in": "body"})
        http.headers["Authorization"] = f"Bearer {signed_in.json()['access_token']}"
        made = (await http.post("/v1/conversations", json={"title": "A title"})).json()

        async def patch(count: int) -> None:
            for number in range(count):
                answer = await http.patch(
                    f"/v1/conversations/{made['id']}", json={"model": f"model-{number}"}
                )
                answer.raise_for_status()

        return await compare(kernel, "PATCH, one after the other", patch, writes, 1)


async def count_findings(kernel: Kernel) -> int:
    count = 0
    for workspace_id in await whole_trail(kernel.database):
        async for _ in verify_chain(kernel.database, kernel.vault, workspace_id, Verifier()):
            count += 1
    return count


def report(legs: list[Leg]) -> dict[str, float]:
    table = Table("", "writes/s without", "with", "ratio", "added, ms", title="The audit trail")
    figures = {}
    for leg, name in zip(legs, ("request", "one_workspace", "many_workspaces"), strict=True):
        table.add_row(
            leg.name, f"{leg.plain:.0f}", f"{leg.audited:.0f}", f"{leg.ratio:.2f}",
            f"{leg.added_ms:.2f}",
        )  # fmt: skip
        figures[f"{name}_audited_over_plain"] = round(leg.ratio, 2)
        figures[f"{name}_added_ms"] = round(leg.added_ms, 2)
        figures[f"{name}_audited_writes_a_second"] = round(leg.audited)
    Console().print(table)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="ends within a minute")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name) / "data"
        with EmbeddedEngines(folder) as engines:
            upgrade(engines.database_url)
            settings = settings_for(engines, folder)
            legs, findings = asyncio.run(measure(settings, 160 if given.quick else 800))
    print(json.dumps({"figures": report(legs) | {"findings": findings}}))
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()
