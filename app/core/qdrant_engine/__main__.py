"""Qdrant's engine in a process of its own, started by `app.core.qdrant_here`.

`python -m app.core.qdrant_engine FOLDER DESCRIPTOR SOCKET`: its data, and where it listens.

The engine holds the interpreter while it works: in the service it would hold up every stream.
Here it speaks as much of a server's REST interface as we ask of one, so that Qdrant's own client
is used for both.
"""

import asyncio
import fcntl
import os
import shutil
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import orjson
import uvicorn

from app.core.qdrant_engine.collections import Engine, Refused
from app.core.qdrant_engine.rest import Body, answer

MOST_BYTES: Final = 32 * 1024 * 1024  # as a server's

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Interface:
    """The ASGI application: one engine behind a socket that only its owner can reach."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        begun = time.monotonic()
        try:
            body = await _read(receive)
            result = answer(self._engine, scope["method"], scope["path"], body)
            status, told = 200, {"result": result, "status": "ok"}
        except Refused as error:
            status, told = error.status, {"status": {"error": str(error)}}
        except Exception as error:  # noqa: BLE001 - the engine's own: the client says it aloud
            status, told = 500, {"status": {"error": f"{type(error).__name__}: {error}"}}
        content = orjson.dumps({**told, "time": time.monotonic() - begun})
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})


async def _read(receive: Receive) -> Body:
    received = bytearray()
    while True:
        message = await receive()
        received += message.get("body", b"")
        if len(received) > MOST_BYTES:
            raise Refused(413, "A request takes at most 32 MiB.")
        if not message.get("more_body"):
            break
    parsed = orjson.loads(received or b"{}")
    return parsed if isinstance(parsed, dict) else {}


async def _serve(folder: Path, descriptor: int) -> None:
    engine = Engine(folder)
    server = uvicorn.Server(
        uvicorn.Config(
            Interface(engine), fd=descriptor, lifespan="off", log_level="critical",
            access_log=False, timeout_graceful_shutdown=5,
        )
    )  # fmt: skip
    rewriting = asyncio.create_task(engine.rewrite())
    # Where it fails, the service starts this process again.
    rewriting.add_done_callback(lambda _: _end(server))
    asyncio.get_running_loop().add_reader(0, lambda: _end_with_service(server))
    await server.serve()
    rewriting.cancel()
    engine.close()


def _end_with_service(server: uvicorn.Server) -> None:
    """Its end of the line is closed when it ends, however it ends."""
    if not os.read(0, 1):
        asyncio.get_running_loop().remove_reader(0)
        _end(server)


def _end(server: uvicorn.Server) -> None:
    server.should_exit = True


def main() -> None:
    folder, descriptor, socket = Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    # The one before may still be writing down what it was asked.
    with (folder / "engine.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        asyncio.run(_serve(folder, descriptor))
    # A service that was killed left it.
    shutil.rmtree(socket.parent, ignore_errors=True)


if __name__ == "__main__":
    main()
