"""Both embedded engines of one data folder, started and stopped together."""

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from app.cli.embedded.account import engine_account
from app.cli.embedded.errors import EngineError
from app.cli.embedded.folder import DataFolder
from app.cli.embedded.postgres import DATABASE, USER, Postgres
from app.cli.embedded.process import stop_leftovers
from app.cli.embedded.valkey import SOCKET, Valkey

STOP_SECONDS = 10.0


class EmbeddedEngines:
    """A context manager over the data folder and the engines asked for.

    Holds the folder against a second instance even when neither engine is asked for. With
    `durable=False` (tests) nothing is flushed to disk. Raises EngineError, one clear sentence.
    """

    def __init__(
        self,
        folder: Path,
        *,
        postgres: bool = True,
        valkey: bool = True,
        durable: bool = True,
        notice: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._folder = DataFolder(folder)
        self._wanted = {"Postgres": postgres, "Valkey": valkey}
        self._durable = durable
        self._notice = notice
        self._engines: list[Postgres | Valkey] = []
        self.database_url: str | None = None
        self.redis_url: str | None = None

    @property
    def path(self) -> Path:
        """The data folder, absolute."""
        return self._folder.path

    @property
    def dead(self) -> list[str]:
        """Names of the engines that ended without being told to."""
        return [engine.process.name for engine in self._engines if not engine.process.alive]

    def start(self) -> None:
        """Take the folder, end what a crash left there, and wait until the engines answer."""
        self._folder.acquire()
        try:
            self._clear_leftovers()
            self._launch()
        except OSError as error:
            self.stop()
            raise EngineError(
                f"The data folder {self.path} cannot be used: {error}; make it this user's own, "
                "or choose another with --data."
            ) from None
        except BaseException:
            self.stop()
            raise

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Stop the engines, gently for so long and then less so; a second signal hurries it."""
        try:
            self._stop_engines(seconds)
        except BaseException:
            self._stop_engines(0.1)
            raise
        finally:
            if self._folder.held:
                self._folder.forget_addresses()
                self._folder.release()
            self.database_url = self.redis_url = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _clear_leftovers(self) -> None:
        if not self._folder.wait_for_engines_lock(0):
            self._notice("Stopping the engines that an earlier start left running.")
            names = ("postgres", "postgres.new", "valkey")
            stop_leftovers([self.path / name for name in names], STOP_SECONDS)
            if not self._folder.wait_for_engines_lock(STOP_SECONDS):
                raise EngineError(
                    f"Engines of an earlier start still use {self.path} and could not be stopped; "
                    "stop the postgres and valkey-server processes that run there."
                )
        self._folder.forget_addresses()

    def _launch(self) -> None:
        if not any(self._wanted.values()):
            return
        account = engine_account(self.path / "postgres")
        kinds: dict[str, type[Postgres] | type[Valkey]] = {"Postgres": Postgres, "Valkey": Valkey}
        self._engines = [
            kind(self._folder, account, durable=self._durable)
            for name, kind in kinds.items()
            if self._wanted[name]
        ]
        sockets = self._folder.make_socket_folder()
        self._folder.write_addresses({"sockets": str(sockets)})
        if account:
            account.own(sockets)
        for engine in self._engines:
            engine.prepare()
            engine.launch(sockets)
        for engine in self._engines:
            engine.wait_ready()
        self._publish(sockets)

    def _publish(self, sockets: Path) -> None:
        addresses = {"sockets": str(sockets)}
        if self._wanted["Postgres"]:
            self.database_url = f"postgresql://{USER}@/{DATABASE}?host={sockets}"
            addresses["database_url"] = self.database_url
        if self._wanted["Valkey"]:
            self.redis_url = f"unix://{sockets / SOCKET}?db=0"
            addresses["redis_url"] = self.redis_url
        self._folder.write_addresses(addresses)

    def _stop_engines(self, seconds: float) -> None:
        for engine in self._engines:
            engine.process.signal_stop()
        for engine in self._engines:
            engine.process.finish_stop(seconds)
        self._engines.clear()


def running_addresses(folder: Path) -> dict[str, str]:
    """Tell `database_url` and `redis_url` of the instance that holds this folder now."""
    return DataFolder(folder).read_addresses()
