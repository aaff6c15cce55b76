"""Makes the archives that people asked for, and deletes the old ones."""

import asyncio
import time
from contextlib import suppress
from datetime import timedelta

from app.core.clock import now
from app.core.db import SYSTEM, Database
from app.core.jobs import Job
from app.core.kernel import Kernel
from app.core.log import get_logger
from app.oversight.privacy.archive import Archive, digest_of
from app.oversight.privacy.exports import crud, folder
from app.oversight.privacy.exports.models import PrivacyExport
from app.oversight.privacy.lease import LEASE, MOST_ATTEMPTS, RENEW_SECONDS, LeaseLost
from app.oversight.privacy.people import Person
from app.oversight.privacy.privacy import Privacy

log = get_logger(__name__)

NAME = "privacy exports"
EVERY = timedelta(seconds=30)
KEPT = timedelta(days=7)
AGAIN = timedelta(seconds=15)


def exports_job(kernel: Kernel, privacy: Privacy) -> Job:
    """Every process may run it: an export is made by one at a time, and once."""
    return Job(NAME, EVERY, Exporting(kernel, privacy).run)


class Exporting:
    """Takes exports up one by one; what a dead process left is begun again."""

    def __init__(self, kernel: Kernel, privacy: Privacy) -> None:
        self._database = kernel.database
        self._data_dir = kernel.settings.data_dir
        self._privacy = privacy

    async def run(self) -> None:
        """Delete what is out of date, then make everything that is wanted."""
        await self.clean()
        while export := await self._claim():
            try:
                await self._make(export)
            except LeaseLost:
                log.info("export_taken_over", export_id=str(export.id))
            except Exception as error:  # noqa: BLE001 - it is tried again, whatever it was
                log.warning("export_failed", export_id=str(export.id), reason=repr(error))
                await self._put_back(export)

    async def clean(self) -> None:
        """Expire archives after their days, and delete every file that is not wanted."""
        async with self._database.unit(SYSTEM) as session:
            await crud.expire(session, now())
        there = await asyncio.to_thread(lambda: [*folder.files(self._data_dir)])
        async with self._database.unit(SYSTEM) as session:
            wanted = await crud.wanted(session, [export_id for export_id, _ in there])
        for export_id, path in there:
            if export_id not in wanted or not folder.is_wanted(path, *wanted[export_id]):
                await asyncio.to_thread(path.unlink, missing_ok=True)

    async def _claim(self) -> PrivacyExport | None:
        async with self._database.unit(SYSTEM) as session:
            export = await crud.claim(session, now())
            if export is not None and export.attempt > MOST_ATTEMPTS:
                export.status, export.error_code = "failed", "export_failed"
                await session.flush()
                return None
        return export

    async def _put_back(self, export: PrivacyExport) -> None:
        """Have it tried again after a while; the others come first."""
        with suppress(LeaseLost):
            async with self._database.unit(SYSTEM) as session:
                await crud.change(session, export, leased_until=now() + export.attempt * AGAIN)

    async def _make(self, export: PrivacyExport) -> None:
        async with self._database.unit(SYSTEM) as session:
            person = await self._privacy.people.find(session, export.user_id)
        if person is None:
            raise LeaseLost
        draft = folder.draft_path(self._data_dir, export)
        try:
            await self._write(export, person)
            size, digest = await asyncio.to_thread(digest_of, draft)
            at = now()
            async with self._database.unit(SYSTEM) as session:
                await crud.change(
                    session, export, status="ready", size_bytes=size, sha256=digest,
                    ready_at=at, expires_at=at + KEPT, leased_until=None,
                )  # fmt: skip
                # Before the commit: an archive that is ready is there.
                draft.replace(folder.archive_path(self._data_dir, export))
        finally:
            draft.unlink(missing_ok=True)

    async def _write(self, export: PrivacyExport, person: Person) -> None:
        entries = [entry for store in self._privacy.stores async for entry in store.export(person)]
        pulse = Pulse(self._database, export, len(entries))
        async with Archive(folder.draft_path(self._data_dir, export)) as archive:
            for position, entry in enumerate(entries, 1):
                await archive.add(entry, pulse.beat)
                pulse.position = position
                await pulse.beat()
            await archive.describe(user_id=str(person.user_id), made_at=now())
        await pulse.save()


class Pulse:
    """Says now and then how far an export is, and that its process lives; raises LeaseLost."""

    def __init__(self, database: Database, export: PrivacyExport, total: int) -> None:
        self.position = 0
        self._database = database
        self._export = export
        self._total = total
        self._saved = 0.0

    async def beat(self) -> None:
        if time.monotonic() - self._saved > RENEW_SECONDS:
            await self.save()

    async def save(self) -> None:
        self._saved = time.monotonic()
        async with self._database.unit(SYSTEM) as session:
            await crud.change(
                session, self._export, entries=self.position, entries_total=self._total,
                leased_until=now() + LEASE,
            )  # fmt: skip
