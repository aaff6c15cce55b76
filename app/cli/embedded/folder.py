"""The data folder: its checks, its two locks and the addresses of what runs in it."""

import fcntl
import json
import os
import shutil
import tempfile
import time
from pathlib import Path

from app.cli.embedded.errors import AlreadyRunning, EngineError

SOCKET_PREFIX = "luminous-"
LONGEST_SOCKET_FOLDER = 80  # the kernel's limit is about 107 bytes (103 on macOS) with the name


class DataFolder:
    """One folder, used by one running instance at a time.

    The kernel drops `instance.lock` when our process dies, however it dies. The engines inherit
    `engines.lock`, so it is free only when none of their processes is left anywhere.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().absolute()
        self.engines_lock: int = -1
        self._instance_lock: int = -1

    @property
    def held(self) -> bool:
        return self._instance_lock >= 0

    @property
    def addresses_file(self) -> Path:
        return self.path / "engines.json"

    def log_file(self, name: str) -> Path:
        """Say where an engine's output goes; the log of the start before is kept as `.1`."""
        log = self.path / "logs" / f"{name}.log"
        log.parent.mkdir(exist_ok=True)
        if log.exists():
            log.replace(log.with_suffix(".log.1"))
        return log

    def acquire(self) -> None:
        """Make the folder if needed and take it for this process."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._instance_lock = _open_lock(self.path / "instance.lock")
            self.engines_lock = _open_lock(self.path / "engines.lock")
        except OSError as error:
            self.release()
            raise EngineError(_unusable(self.path, error)) from None
        if not try_lock(self._instance_lock):
            self.release()
            raise AlreadyRunning(
                f"The data folder {self.path} is in use by a running Luminous; stop that one, "
                "or choose another folder with --data."
            )

    def wait_for_engines_lock(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while not try_lock(self.engines_lock):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    def release(self) -> None:
        for descriptor in (self.engines_lock, self._instance_lock):
            if descriptor >= 0:
                os.close(descriptor)
        self.engines_lock = self._instance_lock = -1

    def make_socket_folder(self) -> Path:
        """Make a private folder with a short name: nobody else can have made it before us."""
        for parent in dict.fromkeys(("/tmp", tempfile.gettempdir())):  # noqa: S108 - mkdtemp: 0700
            if len(parent) < LONGEST_SOCKET_FOLDER and os.access(parent, os.W_OK | os.X_OK):
                return Path(tempfile.mkdtemp(prefix=SOCKET_PREFIX, dir=parent))
        raise EngineError(
            "No temporary folder can be written to; make /tmp writable or set TMPDIR."
        )

    def read_addresses(self) -> dict[str, str]:
        """Read what the running instance wrote, or nothing."""
        try:
            written = json.loads(self.addresses_file.read_text())
        except (OSError, ValueError):
            return {}
        return written if isinstance(written, dict) else {}

    def write_addresses(self, addresses: dict[str, str]) -> None:
        new = self.addresses_file.with_suffix(".new")
        new.write_text(json.dumps(addresses))
        new.chmod(0o600)
        new.replace(self.addresses_file)

    def forget_addresses(self) -> None:
        """Remove the addresses and the socket folder of a start that is over."""
        sockets = self.read_addresses().get("sockets", "")
        if Path(sockets).name.startswith(SOCKET_PREFIX):
            shutil.rmtree(sockets, ignore_errors=True)
        self.addresses_file.unlink(missing_ok=True)


def try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _open_lock(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _unusable(path: Path, error: OSError) -> str:
    reason = (error.strerror or str(error)).lower()
    if isinstance(error, (FileExistsError, NotADirectoryError)):
        reason = "it is, or lies under, a file"
    return (
        f"The data folder {path} cannot be used ({reason}); give this user the right to write "
        "there, or choose another folder with --data."
    )
