"""The key file: one master key a line, the active one first. Its owner alone can read it."""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.core.crypto.errors import InvalidMasterKey

Stamp = tuple[int, int, int]
_MOST_BYTES = 64 * 1024


def stamp(path: Path) -> Stamp:
    """What differs once the file was replaced or written; raises OSError where there is none."""
    found = path.stat()
    return found.st_mtime_ns, found.st_size, found.st_ino


def read(path: Path) -> list[str]:
    """The entries, in their order; raises InvalidMasterKey for a file without any."""
    try:
        with path.open(encoding="ascii") as file:
            text = file.read(_MOST_BYTES)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise InvalidMasterKey(f"{path} cannot be read: {reason}") from None
    entries = [line.strip() for line in text.splitlines()]
    entries = [entry for entry in entries if entry and not entry.startswith("#")]
    if not entries:
        raise InvalidMasterKey(f"{path} holds no master key")
    return entries


def create(path: Path, entry: str) -> None:
    """Write the first key, unless another process has been faster."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = _draft(path, [entry])
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    _settle(path.parent)


@contextmanager
def changing(path: Path) -> Iterator[list[str]]:
    """The entries to be changed in place; the file is replaced whole, by one process at a time."""
    try:
        with path.with_name(f"{path.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            entries = read(path)
            yield entries
            _draft(path, entries).replace(path)
        _settle(path.parent)
    except OSError as error:
        raise InvalidMasterKey(f"{path} cannot be changed: {error.strerror}") from None


def _draft(path: Path, entries: list[str]) -> Path:
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write("".join(f"{entry}\n" for entry in entries))
        file.flush()
        os.fsync(file.fileno())
    return draft


def _settle(folder: Path) -> None:
    """Have a rename outlive a power cut: the folder is written, too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
