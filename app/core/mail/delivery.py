"""The job that delivers queued mail: by SMTP, or into the development mailbox."""

from datetime import timedelta

from app.core.clock import now
from app.core.config import Settings
from app.core.crypto import UnreadableSecret, Vault
from app.core.db import SYSTEM, Database
from app.core.jobs import Job
from app.core.log import get_logger
from app.core.mail import crud
from app.core.mail.carriers import (
    Carrier,
    Carry,
    Mailbox,
    MailPutOff,
    MailRefused,
    SmtpServer,
)
from app.core.mail.message import Letter, compose
from app.core.mail.models import OutgoingMail
from app.core.mail.outbox import context

log = get_logger(__name__)

EVERY = timedelta(seconds=10)
BATCH = 20
# How long a process has for a batch, before another one takes it for cut off.
LEASE = timedelta(minutes=10)
DELAYS = tuple(timedelta(minutes=m) for m in (1, 5, 15, 60, 240, 720))
KEPT = timedelta(days=7)
MAX_ERROR = 500


def mail_job(database: Database, vault: Vault, settings: Settings) -> Job:
    """Delivers what is due, and forgets what was delivered a week ago."""
    return Job("mail", EVERY, Delivery(database, vault, settings).run)


class Delivery:
    """Delivers mail, each at least once: one that was cut off is sent again, with the same id."""

    def __init__(self, database: Database, vault: Vault, settings: Settings) -> None:
        self._database = database
        self._vault = vault
        self._sender = settings.mail_from
        url = settings.smtp_url
        self._carrier: Carrier = (
            SmtpServer(url.get_secret_value()) if url else Mailbox(settings.data_dir / "mailbox")
        )

    async def run(self) -> None:
        """Deliver until nothing is due."""
        while mails := await self._claim():
            async with self._carrier.connected() as carry:
                for mail in mails:
                    await self._deliver(mail, carry)
        async with self._database.unit(SYSTEM) as session:
            await crud.prune(session, now() - KEPT)

    async def _claim(self) -> list[OutgoingMail]:
        async with self._database.unit(SYSTEM) as session:
            return await crud.claim(session, now(), lease=LEASE, most=BATCH)

    async def _deliver(self, mail: OutgoingMail, carry: Carry) -> None:
        try:
            await carry(self._letter(mail))
        except (MailRefused, UnreadableSecret, ValueError) as error:
            await self._give_up(mail, str(error))
        except MailPutOff as error:
            await self._put_off(mail, str(error))
        else:
            async with self._database.unit(SYSTEM) as session:
                await crud.settle(session, mail.id, status="sent", sent_at=now())

    def _letter(self, mail: OutgoingMail) -> Letter:
        return compose(
            mail_id=mail.id,
            sender=self._sender,
            to=mail.to_address,
            subject=mail.subject,
            text=self._vault.open(mail.sealed_body or b"", context=context(mail.id)),
            at=mail.created_at,
        )

    async def _put_off(self, mail: OutgoingMail, reason: str) -> None:
        if mail.attempts > len(DELAYS):
            await self._give_up(mail, reason)
            return
        log.warning("mail_put_off", mail_id=str(mail.id), attempt=mail.attempts, reason=reason)
        async with self._database.unit(SYSTEM) as session:
            due_at = now() + DELAYS[mail.attempts - 1]
            await crud.put_off(session, mail.id, due_at, reason[:MAX_ERROR])

    async def _give_up(self, mail: OutgoingMail, reason: str) -> None:
        log.warning("mail_failed", mail_id=str(mail.id), attempt=mail.attempts, reason=reason)
        async with self._database.unit(SYSTEM) as session:
            await crud.settle(session, mail.id, status="failed", error=reason[:MAX_ERROR])
