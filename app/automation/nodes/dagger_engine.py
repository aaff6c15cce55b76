"""Dagger's engine, as this service reaches it: an open session, or one that its CLI opens."""

import asyncio
import os
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

import orjson

from app.automation.nodes.node_type import StepFault
from app.core.config import Settings

if TYPE_CHECKING:
    from dagger import Client

UNAVAILABLE: Final = "dagger_unavailable"
_START_SECONDS: Final = 120.0
_END_SECONDS: Final = 20.0
_Session = tuple[int, str]


class Engine:
    """Gives clients of the engine that the operator has set; each is closed after its step."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def missing(self) -> str | None:
        """What there is not; None where containers can be run."""
        if find_spec("dagger") is None:
            return "The package `dagger-io` is not installed: install the extra `dagger`."
        if self._settings.dagger_session_port and not self._settings.dagger_session_token:
            return "DAGGER_SESSION_PORT is set without DAGGER_SESSION_TOKEN."
        if not self._settings.dagger_session_port and not self._settings.dagger_cli:
            return (
                "There is no engine: start the service within `dagger run`, or set "
                "LUMINOUS_DAGGER_CLI."
            )
        return None

    @asynccontextmanager
    async def client(self) -> AsyncIterator["Client"]:
        """Raises StepFault where the engine is not there, or does not answer."""
        if missing := self.missing():
            raise StepFault(UNAVAILABLE, missing)
        async with self._session() as (port, token), _connected(port, token) as client:
            yield client

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[_Session]:
        port, token = self._settings.dagger_session_port, self._settings.dagger_session_token
        if port and token:
            yield port, token.get_secret_value()
            return
        process = await self._started()
        try:
            yield await _told_by(process)
        finally:
            await _end(process)

    async def _started(self) -> Process:
        """The CLI with a session of its own, and nothing of our environment: it holds keys."""
        environment = {"PATH": os.defpath, "HOME": str(self._settings.data_dir.absolute())}
        if self._settings.dagger_engine:
            environment["_EXPERIMENTAL_DAGGER_RUNNER_HOST"] = self._settings.dagger_engine
        try:
            return await asyncio.create_subprocess_exec(
                self._settings.dagger_cli,
                "session",
                stdin=PIPE,
                stdout=PIPE,
                stderr=DEVNULL,
                env=environment,
            )
        except OSError as error:
            said = f"The CLI could not be started: {type(error).__name__}."
            raise StepFault(UNAVAILABLE, said) from None


@asynccontextmanager
async def _connected(port: int, token: str) -> AsyncIterator["Client"]:
    # It takes a second; and its public door reads the environment and sets telemetry up for all.
    await asyncio.to_thread(import_module, "dagger")
    from dagger import Client, ClientConnectionError  # noqa: PLC0415 - an extra, and heavy
    from dagger.client._config import ConnectConfig  # noqa: PLC0415
    from dagger.client._session import ConnectParams, SingleConnection  # noqa: PLC0415

    params = ConnectParams(port=port, session_token=token)
    connection = SingleConnection(params, ConnectConfig(retry=None))
    try:
        await connection.connect()
    except ClientConnectionError as error:
        raise StepFault(UNAVAILABLE, str(error)[:500], retryable=True) from None
    try:
        yield Client.from_connection(connection)
    finally:
        await connection.close()


async def _told_by(process: Process) -> _Session:
    """Port and token, from the first line that the CLI writes; raises StepFault."""
    assert process.stdout is not None  # noqa: S101 - for the type checker
    try:
        async with asyncio.timeout(_START_SECONDS):
            line = await process.stdout.readline()
        told = orjson.loads(line)
        return int(told["port"]), str(told["session_token"])
    except (TimeoutError, ValueError, KeyError, TypeError):
        said = "The CLI did not open a session with an engine."
        raise StepFault(UNAVAILABLE, said, retryable=True) from None


async def _end(process: Process) -> None:
    """A session ends with its standard input; one that does not is killed."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        async with asyncio.timeout(_END_SECONDS):
            await process.wait()
    except (TimeoutError, asyncio.CancelledError):
        with suppress(ProcessLookupError):
            process.kill()
        raise
