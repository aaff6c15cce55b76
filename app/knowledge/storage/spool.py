"""Writing a stream to a new file: bounded, hashed, and on the disk before it counts."""

import asyncio
import hashlib
import os
import time
from collections.abc import AsyncIterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from app.core.ids import new_id
from app.core.log import get_logger
from app.knowledge.storage.errors import FilesUnavailable, FileTooLarge
from app.knowledge.storage.opening import opened

log = get_logger(__name__)

_WRITE_BYTES: Final = 1024 * 1024
_ABANDONED_SECONDS: Final = 24 * 3600


@dataclass(frozen=True, slots=True)
class Spooled:
    """A file that nobody else knows of yet."""

    path: Path
    size: int
    sha256: str


@contextmanager
def disk() -> Iterator[None]:
    """Tell the disk's errors as the store's: it is full, or cannot be written."""
    try:
        yield
    except OSError as error:
        log.warning("files_unavailable", reason=str(error)[:500])
        raise FilesUnavailable(retry_after=10) from error


class Spool:
    """A folder of files under way. Those of a process that died are removed after a day."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._swept: float | None = None

    async def write(self, pieces: AsyncIterable[bytes], most_bytes: int) -> Spooled:
        """A stream as a file; raises FileTooLarge. Cut off, it leaves nothing behind."""
        with disk():
            path = await asyncio.to_thread(self._new)
        try:
            return await _write(path, pieces, most_bytes)
        except BaseException:
            path.unlink(missing_ok=True)
            raise

    def _new(self) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        now = time.monotonic()
        if self._swept is None or now - self._swept > _ABANDONED_SECONDS:
            self._swept = now
            self._sweep()
        return self.folder / str(new_id())

    def _sweep(self) -> None:
        before = time.time() - _ABANDONED_SECONDS
        for path in self.folder.iterdir():
            # It may be gone by now, since it is where it belongs.
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < before:
                    path.unlink()


async def _write(path: Path, pieces: AsyncIterable[bytes], most_bytes: int) -> Spooled:
    digest, size, waiting = hashlib.sha256(), 0, bytearray()
    with disk():
        file = await opened(lambda: _create(path))
    try:
        async for piece in pieces:
            size += len(piece)
            if size > most_bytes:
                raise FileTooLarge(f"A file may have at most {most_bytes} bytes.")
            waiting += piece
            if len(waiting) >= _WRITE_BYTES:
                full, waiting = waiting, bytearray()
                with disk():
                    await asyncio.to_thread(_append, file, digest, full)
        with disk():
            await asyncio.to_thread(_append, file, digest, waiting)
            await asyncio.to_thread(os.fsync, file.fileno())
    finally:
        file.close()
    return Spooled(path, size, digest.hexdigest())


def _create(path: Path) -> IO[bytes]:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    return os.fdopen(descriptor, "wb", buffering=0)


def _append(file: IO[bytes], digest: "hashlib._Hash", piece: bytearray) -> None:
    digest.update(piece)
    view = memoryview(piece)
    while view:
        view = view[file.write(view) :]
