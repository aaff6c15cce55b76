"""The archive of a person's data: a ZIP, written piece by piece and readable by its owner alone."""

import asyncio
import hashlib
import os
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import IO
from zipfile import ZIP_DEFLATED, ZipFile

import orjson

from app.oversight.privacy.stores import Entry

README = """\
# Your data

Made by Luminous at {made_at} for the account {user_id}.

Everything this service holds about you, over all workspaces, is in this archive: what you wrote
and were answered, your account, and what was recorded of its use. Each file ending in `.jsonl`
is one table: one row a line, as JSON; times are UTC. Other people's data and secrets (passwords,
keys and tokens, of which only hashes are kept) are left out.

`manifest.json` lists every file with its size and SHA-256. Files that would be empty are left out.

| file | why it is kept |
|---|---|
{files}
"""


@dataclass(frozen=True, slots=True)
class Packed:
    """A file in the archive."""

    path: str
    size_bytes: int
    sha256: str
    meaning: str


class Archive:
    """Open it, add entries one after the other, finish it; memory holds one piece at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._packed: list[Packed] = []
        self._file: IO[bytes] | None = None
        self._zip: ZipFile | None = None

    async def __aenter__(self) -> "Archive":
        self._file = await asyncio.to_thread(_create, self.path)
        self._zip = ZipFile(self._file, "w", ZIP_DEFLATED)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._zip is not None and self._file is not None:
            with self._file:
                await asyncio.to_thread(self._zip.close)

    async def add(self, entry: Entry, pulse: Callable[[], Awaitable[None]]) -> None:
        """Write an entry, unless it is empty; `pulse` is awaited after each piece."""
        digest, size = hashlib.sha256(), 0
        member: IO[bytes] | None = None
        try:
            async for piece in entry.pieces:
                if piece and member is None:
                    member = self._open(entry.path)
                if piece and member is not None:
                    await asyncio.to_thread(member.write, piece)
                    digest.update(piece)
                    size += len(piece)
                await pulse()
        finally:
            if member is not None:
                member.close()
        if member is not None:
            self._packed.append(Packed(entry.path, size, digest.hexdigest(), entry.meaning))

    async def describe(self, *, user_id: str, made_at: datetime) -> None:
        """Add what explains and proves the rest."""
        rows = "\n".join(f"| `{packed.path}` | {packed.meaning} |" for packed in self._packed)
        readme = README.format(made_at=f"{made_at:%Y-%m-%d %H:%M} UTC", user_id=user_id, files=rows)
        manifest = {
            "format": "luminous-export-1",
            "user_id": user_id,
            "made_at": made_at.isoformat(),
            "files": [asdict(packed) for packed in self._packed],
        }
        for path, content in (
            ("README.md", readme.encode()),
            ("manifest.json", orjson.dumps(manifest, option=orjson.OPT_INDENT_2)),
        ):
            with self._open(path) as member:
                member.write(content)

    def _open(self, path: str) -> IO[bytes]:
        if self._zip is None:
            raise RuntimeError("the archive is not open")
        return self._zip.open(path, "w", force_zip64=True)


def _create(path: Path) -> IO[bytes]:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    return os.fdopen(descriptor, "wb")


def digest_of(path: Path) -> tuple[int, str]:
    """The size in bytes and the SHA-256 of a file."""
    with path.open("rb") as file:
        return path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()
