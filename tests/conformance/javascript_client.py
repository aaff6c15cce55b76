"""The vendors' JavaScript clients, in one Node process that is asked line by line."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import orjson

from tests.conformance.case import Json

FOLDER = Path(__file__).parent / "js"
MOST_BYTES = 16 * 1024 * 1024
INSTALL = "scripts/setup-js"


def missing() -> str | None:
    """Why these clients cannot be run here; None where they can."""
    if shutil.which("node") is None:
        return "there is no Node.js here"
    if not (FOLDER / "node_modules" / "openai").is_dir():
        return f"the npm packages are not installed: {INSTALL}"
    return None


class JavaScriptClients:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def run(self, ask: Json) -> Json:
        """The result of one ask."""
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(orjson.dumps(ask) + b"\n")
        await process.stdin.drain()
        line = await process.stdout.readline()
        assert line, f"Node.js ended with {await process.wait()}"
        return orjson.loads(line)


@asynccontextmanager
async def javascript_clients() -> AsyncIterator[JavaScriptClients]:
    process = await asyncio.create_subprocess_exec(
        "node",
        str(FOLDER / "run.mjs"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=MOST_BYTES,
    )
    try:
        yield JavaScriptClients(process)
    finally:
        process.kill()
        await process.wait()
