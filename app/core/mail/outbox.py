"""The outbox: what a transaction queues is stored with it, sealed, right before it commits."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from app.core.crypto import Vault
from app.core.db import AsyncSession, on_commit
from app.core.ids import new_id
from app.core.mail.models import OutgoingMail

QUEUED = "luminous_queued_mail"
MAX_SUBJECT = 200
MAX_TEXT = 20_000


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail in plain text. With `deliver` off it costs what a mail costs and is never sent."""

    to: str
    subject: str
    text: str
    user_id: UUID | None = None
    deliver: bool = True


async def queue(
    session: AsyncSession,
    *,
    to: str,
    subject: str,
    text: str,
    user_id: UUID | None = None,
    deliver: bool = True,
) -> None:
    """Have a mail sent if, and soon after, the session's transaction commits.

    `user_id` is whose account it is about, so that an erasure finds it. Raises ValueError for a
    subject of more than one line or over 200 characters, or a text over 20,000.
    """
    if len(subject) > MAX_SUBJECT or not subject.isprintable():
        raise ValueError("a subject is one line of at most 200 characters")
    if len(text) > MAX_TEXT:
        raise ValueError("a mail's text has at most 20,000 characters")
    mail = Mail(to, subject, text, user_id, deliver)
    session.info.setdefault(QUEUED, []).append(mail)


def context(mail_id: UUID) -> str:
    """The vault context of a mail's body."""
    return f"outgoing_mails/{mail_id}"


def seal_queued(
    vault: Vault, nudge: Callable[[], None]
) -> Callable[[AsyncSession], Awaitable[None]]:
    """What a database does before each commit: store the mails that were queued in it.

    `nudge` is called after the commit, so that they are delivered at once.
    """

    async def act(session: AsyncSession) -> None:
        mails: list[Mail] = session.info.pop(QUEUED, [])
        if not mails:
            return
        session.add_all(_sealed(mail, vault) for mail in mails)
        await session.flush()
        on_commit(session, nudge)

    return act


def _sealed(mail: Mail, vault: Vault) -> OutgoingMail:
    mail_id = new_id()
    return OutgoingMail(
        id=mail_id,
        user_id=mail.user_id,
        to_address=mail.to,
        subject=mail.subject,
        sealed_body=vault.seal(mail.text, context=context(mail_id)),
        status="queued" if mail.deliver else "void",
        sent_at=None,
        last_error=None,
    )
