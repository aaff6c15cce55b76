"""Files in the data folder."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import IO
from uuid import UUID

from app.knowledge.storage.errors import FileMissing
from app.knowledge.storage.files import PIECE_BYTES, StoredFile, checked_key, key_of
from app.knowledge.storage.opening import opened
from app.knowledge.storage.spool import Spool, Spooled, disk


class LocalFiles:
    """A folder for each workspace. A file appears whole, synced to the disk, or not at all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._spool = Spool(folder / ".incoming")

    async def put(self, key: str, pieces: AsyncIterable[bytes], *, most_bytes: int) -> StoredFile:
        target = self._path(key)
        spooled = await self._spool.write(pieces, most_bytes)
        with disk():
            await asyncio.to_thread(_place, spooled, target)
        return StoredFile(key, spooled.size, spooled.sha256)

    async def size(self, key: str) -> int:
        path = self._path(key)
        try:
            return (await asyncio.to_thread(path.stat)).st_size
        except FileNotFoundError:
            raise FileMissing from None

    async def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        with await opened(lambda: _open(self._path(key), start)) as file:
            left = PIECE_BYTES if end is None else end - start
            while left > 0 and (
                piece := await asyncio.to_thread(file.read, min(left, PIECE_BYTES))
            ):
                left -= 0 if end is None else len(piece)
                yield piece

    @asynccontextmanager
    async def on_disk(self, key: str) -> AsyncIterator[Path]:
        await self.size(key)
        yield self._path(key)

    async def delete(self, key: str) -> None:
        await asyncio.to_thread(_delete, self._path(key), self._folder)

    async def keys(self, workspace_id: UUID, *under: str) -> AsyncIterator[str]:
        waiting = [self._path(key_of(workspace_id, *under))]
        while waiting:
            for entry in await asyncio.to_thread(_listed, waiting.pop()):
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(Path(entry.path))
                else:
                    yield str(Path(entry.path).relative_to(self._folder))

    async def delete_all(self, workspace_id: UUID, *under: str) -> int:
        found = 0
        async for _ in self.keys(workspace_id, *under):
            found += 1
        await asyncio.to_thread(_remove_tree, self._path(key_of(workspace_id, *under)))
        return found

    async def close(self) -> None:
        """Nothing is held open."""

    def _path(self, key: str) -> Path:
        return self._folder / checked_key(key)


def _place(spooled: Spooled, target: Path) -> None:
    """Move a file to where it is found. A folder may go meanwhile, with the last file in it."""
    try:
        _move(spooled.path, target)
    except OSError:
        spooled.path.unlink(missing_ok=True)
        raise
    descriptor = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _move(path: Path, target: Path) -> None:
    for _ in range(5):
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with suppress(FileNotFoundError):
            path.replace(target)
            return
    raise FileNotFoundError(target)


def _open(path: Path, start: int) -> IO[bytes]:
    try:
        file = path.open("rb", buffering=0)
    except (FileNotFoundError, IsADirectoryError):
        raise FileMissing from None
    file.seek(start)
    return file


def _delete(path: Path, folder: Path) -> None:
    path.unlink(missing_ok=True)
    # Up to a folder that has other files.
    with suppress(OSError):
        for parent in path.parents:
            if parent == folder:
                return
            parent.rmdir()


def _listed(folder: Path) -> list["os.DirEntry[str]"]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _remove_tree(folder: Path) -> None:
    with suppress(FileNotFoundError):
        shutil.rmtree(folder)
