"""Qdrant's engine beside this process, for those who run no Qdrant server.

See `app.core.qdrant_engine` for what runs there. It is reached by a socket in a folder that only
this user can enter, and started again where it ended by itself.
"""

import asyncio
import shutil
import socket
import sys
import tempfile
from pathlib import Path
from typing import Final

from app.core.log import get_logger

log = get_logger(__name__)

_ROOT: Final = Path(__file__).parents[2]
PAUSE_SECONDS: Final = 1.0  # before it is started again
END_SECONDS: Final = 10.0


class QdrantHere:
    """The engine's process; `socket_path` is the same for all its lives."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._place = Path(tempfile.mkdtemp(prefix="luminous-qdrant-"))
        self.socket_path = self._place / "socket"
        self._process: asyncio.subprocess.Process | None = None
        self._keeping: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Who connects from now on is answered once the engine has read its files."""
        await self._start()
        self._keeping = asyncio.create_task(self._keep())

    async def close(self) -> None:
        """Once what was asked before is done; what it was told is on the disk in any case."""
        if self._keeping is not None:
            self._keeping.cancel()
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            try:
                async with asyncio.timeout(END_SECONDS):
                    await self._process.wait()
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
        shutil.rmtree(self._place, ignore_errors=True)

    async def _keep(self) -> None:
        while self._process is not None:
            code = await self._process.wait()
            log.error("qdrant_engine_ended", returncode=code)
            await asyncio.sleep(PAUSE_SECONDS)
            try:
                await self._start()
            except OSError:  # no memory or no process left just now: the next turn tries
                log.exception("qdrant_engine_not_started")

    async def _start(self) -> None:
        self.socket_path.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
            listening.bind(str(self.socket_path))
            listening.listen(128)
            # Nothing of this process's environment: it holds keys.
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "app.core.qdrant_engine",
                str(self._folder.absolute()), str(listening.fileno()), str(self.socket_path),
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL,
                pass_fds=(listening.fileno(),), cwd=_ROOT, start_new_session=True,
                env={"LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"},
            )  # fmt: skip
