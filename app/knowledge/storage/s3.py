"""Files in a bucket of any store that speaks S3."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import UUID

from app.core.log import get_logger
from app.knowledge.storage.errors import FileMissing, FilesUnavailable
from app.knowledge.storage.files import PIECE_BYTES, StoredFile, checked_key, key_of
from app.knowledge.storage.spool import Spool

if TYPE_CHECKING:
    from obstore.store import S3Config, S3Store

log = get_logger(__name__)

_AT_ONCE: Final = 100


@dataclass(frozen=True, slots=True)
class Bucket:
    """Where a bucket is. Without a key, the machine's own role is asked for, as AWS has it."""

    name: str
    prefix: str = ""
    endpoint: str = ""
    region: str = ""
    virtual_hosted: bool = False
    key_id: str = ""
    secret: str = ""


class S3Files:
    """Uploads are collected on the disk first, so that nothing incomplete is ever sent."""

    def __init__(self, bucket: Bucket, folder: Path) -> None:
        self._store = _open(bucket)
        self._spool = Spool(folder)

    async def put(self, key: str, pieces: AsyncIterable[bytes], *, most_bytes: int) -> StoredFile:
        import obstore  # noqa: PLC0415 - only where files are in a bucket

        target = checked_key(key)
        spooled = await self._spool.write(pieces, most_bytes)
        try:
            with _told():
                await obstore.put_async(self._store, target, spooled.path, max_concurrency=4)
        except FileMissing as error:
            # The bucket itself is not there.
            raise FilesUnavailable(retry_after=10) from error
        finally:
            await asyncio.to_thread(spooled.path.unlink, missing_ok=True)
        return StoredFile(key, spooled.size, spooled.sha256)

    async def size(self, key: str) -> int:
        import obstore  # noqa: PLC0415 - as above

        with _told():
            return (await obstore.head_async(self._store, checked_key(key)))["size"]

    async def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        import obstore  # noqa: PLC0415 - as above

        whole = await self.size(key)
        last = whole if end is None else min(end, whole)
        if start >= last:
            return
        with _told():
            answer = await obstore.get_async(
                self._store, checked_key(key), options={"range": (start, last)}
            )
            async for piece in answer.stream(min_chunk_size=PIECE_BYTES):
                yield bytes(piece)

    @asynccontextmanager
    async def on_disk(self, key: str) -> AsyncIterator[Path]:
        spooled = await self._spool.write(self.read(key), await self.size(key))
        try:
            yield spooled.path
        finally:
            await asyncio.to_thread(spooled.path.unlink, missing_ok=True)

    async def delete(self, key: str) -> None:
        await self._delete([checked_key(key)])

    async def keys(self, workspace_id: UUID, *under: str) -> AsyncIterator[str]:
        import obstore  # noqa: PLC0415 - as above

        folder = key_of(workspace_id, *under) + "/"
        with _told():
            async for page in obstore.list(self._store, folder, chunk_size=1000):
                for found in page:
                    yield found["path"]

    async def delete_all(self, workspace_id: UUID, *under: str) -> int:
        deleted, waiting = 0, list[str]()
        async for key in self.keys(workspace_id, *under):
            waiting.append(key)
            if len(waiting) == _AT_ONCE:
                deleted += await self._delete(waiting)
                waiting = []
        return deleted + await self._delete(waiting)

    async def close(self) -> None:
        """Its connections end with the process."""

    async def _delete(self, keys: list[str]) -> int:
        """One by one: not every store knows how to delete many."""
        import obstore  # noqa: PLC0415 - as above

        for key in keys:
            try:
                with _told():
                    await obstore.delete_async(self._store, key)
            except FileMissing:
                continue
        return len(keys)


def _open(bucket: Bucket) -> "S3Store":
    from obstore.store import S3Store  # noqa: PLC0415 - as above

    config: S3Config = {}
    if bucket.endpoint:
        config["endpoint"] = bucket.endpoint
        config["region"] = bucket.region or "us-east-1"
    elif bucket.region:
        config["region"] = bucket.region
    if bucket.key_id:
        config["access_key_id"], config["secret_access_key"] = bucket.key_id, bucket.secret
    return S3Store(
        bucket.name,
        prefix=bucket.prefix or None,
        config=config,
        virtual_hosted_style_request=bucket.virtual_hosted,
        disable_bulk_delete=True,
        client_options={
            "allow_http": bucket.endpoint.startswith("http://"),
            "connect_timeout": timedelta(seconds=5),
            "timeout": timedelta(minutes=5),
        },
        retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=20)},
    )


@contextmanager
def _told() -> Iterator[None]:
    """Tell the store's errors as ours; what it says goes to the log alone."""
    from obstore.exceptions import BaseError  # noqa: PLC0415 - as above

    try:
        yield
    except FileNotFoundError as error:
        raise FileMissing from error
    except (BaseError, OSError) as error:
        log.warning("files_unavailable", reason=str(error)[:500])
        raise FilesUnavailable(retry_after=10) from error
