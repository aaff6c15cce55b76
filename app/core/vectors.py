"""Qdrant: a server by URL, or its engine beside this process, in the data folder.

Its client is opened where vectors are first used: with grpc, numpy and a thousand schemas it is
50 MB and a second of CPU, which a service without them never needs.
"""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
from yarl import URL

from app.core.config import InvalidSettings, Settings
from app.core.qdrant_here import QdrantHere

if TYPE_CHECKING:
    from qdrant_client import AsyncQdrantClient

PORT = 6333  # Qdrant's own, where an address names none
HERE_SECONDS = 60  # the engine beside us answers nothing while it writes its files anew


class VectorsAway(Exception):
    """Qdrant does not answer, or has no such collection yet."""


class Vectors:
    """The vector store of a process. A local folder is its own from the start."""

    def __init__(self, settings: Settings, lock: int | None) -> None:
        self._settings = settings
        self._lock = lock
        self._opening: asyncio.Task[AsyncQdrantClient] | None = None
        self._plain: httpx2.AsyncClient | None = None
        self._here: QdrantHere | None = None

    async def client(self) -> "AsyncQdrantClient":
        """Qdrant's client, opened in a thread at the first call; raises what it raises."""
        if self._opening is None:
            self._opening = asyncio.create_task(self._open())
            self._opening.add_done_callback(self._forget_failed)
        return await asyncio.shield(self._opening)

    async def _open(self) -> "AsyncQdrantClient":
        if self._settings.qdrant_url:
            return await asyncio.to_thread(_server, self._settings)
        self._here = QdrantHere(_folder(self._settings))
        await self._here.start()
        return await asyncio.to_thread(_beside, self._here.socket_path)

    def _forget_failed(self, opening: "asyncio.Task[AsyncQdrantClient]") -> None:
        if opening.cancelled() or opening.exception():
            self._opening = None

    @asynccontextmanager
    async def asked(self) -> AsyncIterator["AsyncQdrantClient"]:
        """Qdrant's client, for questions that may fail; raises VectorsAway where one does."""
        try:
            yield await self.client()
        except Exception as error:
            if not _is_away(error):
                raise
            raise VectorsAway(repr(error)) from error

    async def ping(self) -> None:
        """Whether the store answers; raises what its client raises.

        The engine beside this process is started at the first question: before, it has nothing to
        answer.
        """
        if self._settings.qdrant_url:
            # The plainest question that only an answering Qdrant with the right key answers.
            self._plain = self._plain or _plain_client(self._settings)
            (await self._plain.get("collections")).raise_for_status()
        elif self._opening is not None:
            await (await self.client()).get_collections()

    async def close(self) -> None:
        if self._plain is not None:
            await self._plain.aclose()
        if self._opening is not None:
            await (await self.client()).close()
        if self._here is not None:
            await self._here.close()
        if self._lock is not None:
            os.close(self._lock)


def open_vectors(settings: Settings) -> Vectors:
    """The store; raises InvalidSettings when the local folder belongs to another process."""
    if settings.qdrant_url:
        return Vectors(settings, None)
    return Vectors(settings, _claim(_folder(settings)))


def _folder(settings: Settings) -> Path:
    return settings.data_dir / "qdrant"


def _claim(folder: Path) -> int:
    """The lock of a local folder; the kernel drops it when this process ends, however it ends."""
    lock = -1
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / "luminous.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if lock >= 0:
            os.close(lock)
        raise _unusable(folder, error) from None
    return lock


def _unusable(folder: Path, error: OSError) -> InvalidSettings:
    if isinstance(error, BlockingIOError):
        reason = "is open in another process; stop that one, or set"
    else:
        reason = f"cannot be used ({error.strerror}); give this user the right to write, or set"
    return InvalidSettings(f"The vector store in {folder} {reason} QDRANT_URL to a Qdrant server.")


def _server(settings: Settings) -> "AsyncQdrantClient":
    from qdrant_client import AsyncQdrantClient  # noqa: PLC0415 - see the module

    key = _key(settings)
    return AsyncQdrantClient(url=settings.qdrant_url, api_key=key, check_compatibility=False)


def _beside(path: Path) -> "AsyncQdrantClient":
    import httpx  # noqa: PLC0415 - what Qdrant's client speaks
    from qdrant_client import AsyncQdrantClient  # noqa: PLC0415 - see the module

    return AsyncQdrantClient(
        url="http://qdrant",
        timeout=HERE_SECONDS,
        check_compatibility=False,
        transport=httpx.AsyncHTTPTransport(uds=str(path)),
    )


def _plain_client(settings: Settings) -> httpx2.AsyncClient:
    address, key = URL(settings.qdrant_url or ""), _key(settings)
    if address.explicit_port is None:
        address = address.with_port(PORT)
    return httpx2.AsyncClient(base_url=str(address), headers={"api-key": key} if key else {})


def _is_away(error: Exception) -> bool:
    from qdrant_client.http.exceptions import ApiException  # noqa: PLC0415 - see the module

    return isinstance(error, (ApiException, OSError))


def _key(settings: Settings) -> str | None:
    return settings.qdrant_api_key.get_secret_value() if settings.qdrant_api_key else None
