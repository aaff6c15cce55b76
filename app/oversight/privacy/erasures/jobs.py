"""Erases the people who asked for it; cut off anywhere, it goes on where it was."""

import asyncio
from datetime import timedelta
from uuid import UUID

from app.core.audit import Note, note
from app.core.clock import now
from app.core.db import SYSTEM, AsyncSession
from app.core.jobs import Job
from app.core.kernel import Kernel
from app.core.log import get_logger
from app.oversight.audit import keys
from app.oversight.privacy import certificates
from app.oversight.privacy.erasures import crud
from app.oversight.privacy.erasures.counting import Counting
from app.oversight.privacy.erasures.models import PrivacyErasure
from app.oversight.privacy.lease import LEASE, LeaseLost
from app.oversight.privacy.people import Person
from app.oversight.privacy.privacy import Privacy

log = get_logger(__name__)

NAME = "privacy erasures"
EVERY = timedelta(seconds=30)
BLOCKED_FOR = timedelta(hours=1)
LOCK_OUT = "lock out"
# What was under way when an erasure began (a call's bill, a text's vector) has come by then.
AGAIN_AFTER = timedelta(seconds=3)
MOST_TIMES = 3


class SomethingLeft(Exception):
    """A store still holds something of the person: what was written meanwhile, say."""


def erasures_job(kernel: Kernel, privacy: Privacy) -> Job:
    """Every process may run it: an erasure is carried out by one at a time."""
    return Job(NAME, EVERY, Erasing(kernel, privacy).run)


class Erasing:
    """Takes erasures up one by one, step by step; every step may be repeated."""

    def __init__(self, kernel: Kernel, privacy: Privacy) -> None:
        self._kernel = kernel
        self._database = kernel.database
        self._privacy = privacy

    async def run(self) -> None:
        """Carry out what is due; where something came meanwhile, again after a pause."""
        for _ in range(MOST_TIMES):
            if not await self._carry_out():
                return
            await asyncio.sleep(AGAIN_AFTER.total_seconds())

    async def _carry_out(self) -> bool:
        """Carry out what is due; returns whether something was left."""
        something_left = False
        while erasure := await self._take():
            try:
                await self._erase(erasure)
            except SomethingLeft as error:
                something_left = True
                log.info("erasure_goes_on", erasure_id=str(erasure.id), left=str(error))
            except LeaseLost:
                log.info("erasure_taken_over", erasure_id=str(erasure.id))
            except Exception as error:  # noqa: BLE001 - it is tried again, whatever it was
                # Its lease runs out by itself, and the others come first.
                log.warning("erasure_interrupted", erasure_id=str(erasure.id), reason=repr(error))
        return something_left

    async def _take(self) -> PrivacyErasure | None:
        """The next erasure to carry out; one that would orphan a workspace is put off."""
        async with self._database.unit(SYSTEM) as session:
            erasure = await crud.claim(session, now())
            while erasure is not None and not await self._begin(session, erasure):
                erasure = await crud.claim(session, now())
        return erasure

    async def _begin(self, session: AsyncSession, erasure: PrivacyErasure) -> bool:
        if erasure.status != "running" and erasure.user_id:
            if await self._privacy.people.owned_alone(session, erasure.user_id):
                erasure.status, erasure.due_at = "blocked", now() + BLOCKED_FOR
                await session.flush()
                return False
            person = await self._privacy.people.find(session, erasure.user_id)
            erasure.workspaces = [str(each) for each in person.workspaces] if person else []
            erasure.status, erasure.started_at = "running", now()
        erasure.attempt += 1
        erasure.leased_until = now() + LEASE
        await session.flush()
        return True

    async def _erase(self, erasure: PrivacyErasure) -> None:
        person = await self._person(erasure)
        tally = Counting(self._database, erasure)
        if LOCK_OUT not in erasure.done:
            await self._lock_out(erasure, person)
        for store in self._privacy.stores:
            if store.name not in erasure.done:
                await store.erase(person, tally)
                await self._mark(erasure, store.name)
        left = {store.name: await store.left(person) for store in self._privacy.stores}
        if any(left.values()):
            async with self._database.unit(SYSTEM) as session:
                again = now() + AGAIN_AFTER
                await crud.change(session, erasure, done=[LOCK_OUT], leased_until=again)
            raise SomethingLeft(str(left))
        await self._complete(erasure, person.user_id)

    async def _person(self, erasure: PrivacyErasure) -> Person:
        """The person as they were when it began; the account itself may be gone already."""
        if erasure.user_id is None:
            raise LeaseLost
        async with self._database.unit(SYSTEM) as session:
            found = await self._privacy.people.find(session, erasure.user_id)
        workspaces = frozenset(UUID(each) for each in erasure.workspaces)
        email, name = (found.email, found.name) if found else ("", "")
        return Person(erasure.user_id, email, name, workspaces)

    async def _lock_out(self, erasure: PrivacyErasure, person: Person) -> None:
        """End every credential, and wait until no process remembers one."""
        async with self._database.unit(SYSTEM) as session:
            await self._privacy.people.lock_out(session, person.user_id)
        if self._kernel.resolver is not None:
            self._kernel.resolver.forget(person.user_id)
        await asyncio.sleep(self._kernel.settings.erasure_settle_seconds)
        await self._mark(erasure, LOCK_OUT)

    async def _mark(self, erasure: PrivacyErasure, step: str) -> None:
        async with self._database.unit(SYSTEM) as session:
            row = await crud.lock(session, erasure)
            row.done = [*row.done, step]
            row.leased_until = now() + LEASE
            await session.flush()
        erasure.done = row.done

    async def _complete(self, erasure: PrivacyErasure, user_id: UUID) -> None:
        vault = self._kernel.vault
        async with self._database.unit(SYSTEM) as session:
            row = await crud.lock(session, erasure)
            signer, at = await keys.signer(session, vault), now()
            row.certificate = certificates.compose(
                certificate_id=row.certificate_id,
                subject=certificates.pseudonym_of(vault, user_id),
                requested_by=row.requested_by,
                requested_at=row.created_at,
                started_at=row.started_at or at,
                completed_at=at,
                counts=row.counts,
                key_id=signer.key_id,
            )
            row.signature = signer.private.sign(certificates.message_of(row.certificate))
            row.status, row.completed_at, row.leased_until = "completed", at, None
            row.workspaces = []
            await session.flush()
            await crud.forget(session, user_id)
            note(session, Note("erasure.completed", "privacy_erasure", row.certificate_id))
        log.info("erasure_completed", certificate_id=str(row.certificate_id))
