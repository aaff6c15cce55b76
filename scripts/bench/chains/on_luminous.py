"""The service as `luminous serve` runs it, with runs begun inside by what begins them for routes.

python on_luminous.py <port> <api key>
"""

import asyncio
import sys
import time
from contextlib import aclosing
from pathlib import Path

from dialogue import chains, obey

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

import asyncpg
import uvicorn
import uvloop
from fastapi import FastAPI

from app.automation.nodes.starting import RunWanted
from app.cli.serving import claim_port, server_config
from app.core.auth import Access
from app.core.config import Settings
from app.main import announce_stop, create_app


class Site:
    """The running service, and who has it run workflows."""

    def __init__(self, app: FastAPI, access: Access) -> None:
        self._starter = app.state.automation.starter
        self._reader = app.state.runs.reader
        self._access = access
        self.workflow = "chain-{steps}"

    async def run(self, steps: int) -> None:
        run = await self._starter.start(self._access, RunWanted(self.workflow.format(steps=steps)))
        async with aclosing(self._reader.events(run)) as batches:
            async for batch in batches:
                last = batch[-1]
        if last.type != "run.completed":
            raise SystemExit(f"a run came to {last.body}")

    async def choose(self, workflow: str) -> dict[str, str]:
        """Which workflow runs from now on."""
        self.workflow = workflow
        return {"workflow": workflow}

    async def begin(self, runs: int, at_once: int) -> dict[str, float]:
        """Begin runs that nobody waits for."""
        left = iter(range(runs))

        async def client() -> None:
            for _ in left:
                await self._starter.start(self._access, RunWanted(self.workflow))

        began = time.perf_counter()
        await asyncio.gather(*(client() for _ in range(at_once)))
        return {"seconds": time.perf_counter() - began}


async def notify(url: str, times: int, pause: float) -> dict[str, int]:
    """Commit one row with a NOTIFY, again and again; it says what time it was before."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("create table if not exists told (at bigint)")
        for _ in range(times):
            await asyncio.sleep(pause)
            at = time.monotonic_ns()
            await connection.execute(
                f"insert into told values ({at}); notify told, '{at}'"  # noqa: S608 - a number  # nosec B608
            )
    finally:
        await connection.close()
    return {"times": times}


async def main(port: int, key: str) -> None:
    settings = Settings()
    app = create_app(settings)
    listener = claim_port("127.0.0.1", port)
    server = uvicorn.Server(server_config(app, settings))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        if serving.done():
            raise SystemExit("the service did not start")
        await asyncio.sleep(0.01)
    await app.state.upper.opened()
    site = Site(app, await app.state.kernel.resolver.resolve(key, None))
    acts = chains(site.run)
    await obey({**acts, "choose": site.choose, "begin": site.begin, "notify": notify})
    announce_stop(app)
    server.should_exit = True
    await serving


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), sys.argv[2]))
