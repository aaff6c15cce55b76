"""The JavaScript clients of front ends, in one Node process that is asked line by line."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson

FOLDER = Path(__file__).parent / "js"
MOST_BYTES = 16 * 1024 * 1024
INSTALL = "scripts/setup-js"


def missing() -> str | None:
    """Why these clients cannot be run here; None where they can."""
    if shutil.which("node") is None:
        return "there is no Node.js here"
    if not (FOLDER / "node_modules" / "ai").is_dir():
        return f"the npm packages are not installed: {INSTALL}"
    return None


class Frontends:
    """What front ends make of an ask; `client` is `ai-sdk` or `ag-ui`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def ask(self, client: str, **ask: Any) -> dict[str, Any]:
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(orjson.dumps({"client": client, **ask}) + b"\n")
        await process.stdin.drain()
        line = await process.stdout.readline()
        assert line, f"Node.js ended with {await process.wait()}"
        told: dict[str, Any] = orjson.loads(line)
        assert "thrown" not in told, told["thrown"]
        assert told["warnings"] == [], told["warnings"]
        return told


@asynccontextmanager
async def frontends() -> AsyncIterator[Frontends]:
    process = await asyncio.create_subprocess_exec(
        "node",
        str(FOLDER / "run.mjs"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=MOST_BYTES,
    )
    try:
        yield Frontends(process)
    finally:
        process.kill()
        await process.wait()
