"""Where files are kept: one protocol, whatever stands behind it."""

import re
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol
from uuid import UUID

_PART: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
PIECE_BYTES: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class StoredFile:
    """What was written: its bytes, and their SHA-256 in hexadecimal."""

    key: str
    size: int
    sha256: str


class Files(Protocol):
    """Keys are those of `key_of`. Every method raises FilesUnavailable where the store is away."""

    async def put(self, key: str, pieces: AsyncIterable[bytes], *, most_bytes: int) -> StoredFile:
        """Write a file whole or not at all; raises FileTooLarge past `most_bytes`."""
        ...

    async def size(self, key: str) -> int:
        """How many bytes a file has; raises FileMissing."""
        ...

    def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The bytes from `start` to before `end`, piece by piece; raises FileMissing."""
        ...

    def on_disk(self, key: str) -> AbstractAsyncContextManager[Path]:
        """The file as one of this machine, to be read while it is held; raises FileMissing."""
        ...

    async def delete(self, key: str) -> None:
        """Remove a file; one that is not there is no error."""
        ...

    def keys(self, workspace_id: UUID, *under: str) -> AsyncIterator[str]:
        """The keys of all files of a workspace, or of those in a folder of it."""
        ...

    async def delete_all(self, workspace_id: UUID, *under: str) -> int:
        """Remove them; says how many there were."""
        ...

    async def close(self) -> None: ...


def key_of(workspace_id: UUID, *parts: str) -> str:
    """The key of a workspace's file. Parts are names as we make them (ids, digests), no paths."""
    for part in parts:
        if not _PART.fullmatch(part) or ".." in part:
            raise ValueError(f"{part!r} cannot be part of a file's key")
    return "/".join((str(workspace_id), *parts))


def checked_key(key: str) -> str:
    """A key, proven to be one of `key_of`: no file of a workspace is outside its folder."""
    workspace, *parts = key.split("/")
    if key_of(UUID(workspace), *parts) != key:
        raise ValueError(f"{key!r} is no key of a file")
    return key
