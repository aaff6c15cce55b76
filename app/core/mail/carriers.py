"""Who takes mail away: an SMTP server, or a folder on a developer's machine."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from aiosmtplib import (
    SMTP,
    SMTPDataError,
    SMTPException,
    SMTPRecipientsRefused,
    SMTPResponseException,
)

from app.core.log import get_logger
from app.core.mail.message import Letter

log = get_logger(__name__)

Carry = Callable[[Letter], Awaitable[None]]

PORTS = {"smtp": 25, "smtps": 465, "smtp+starttls": 587}
SECONDS = 20
MOST_FILES = 1000


class MailRefused(Exception):
    """This mail will never be taken; the message is the server's own words."""


class MailPutOff(Exception):
    """It was not taken now, and may be later."""


class Carrier(Protocol):
    def connected(self) -> AbstractAsyncContextManager[Carry]:
        """Give a function that hands letters over; it raises MailRefused and MailPutOff."""


class SmtpServer:
    """The server of an `smtp://`, `smtps://` or `smtp+starttls://` URL."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._port = parts.port or PORTS[parts.scheme]
        self._tls = parts.scheme == "smtps"
        # Plain smtp:// stays as it is: a server on the same machine has no certificate.
        self._start_tls = parts.scheme == "smtp+starttls"
        self._user = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Carry]:
        client = SMTP(
            hostname=self._host,
            port=self._port,
            use_tls=self._tls,
            start_tls=self._start_tls,
            username=self._user,
            password=self._password,
            timeout=SECONDS,
        )

        async def carry(letter: Letter) -> None:
            try:
                if not client.is_connected:
                    await client.connect()
                await client.send_message(
                    letter.message, sender=letter.sender, recipients=letter.recipient
                )
            except (SMTPException, OSError, ValueError) as error:
                raise _judged(error) from error

        try:
            yield carry
        finally:
            if client.is_connected:
                client.close()


def _judged(error: Exception) -> Exception:
    """A 5xx answer to the recipient or the content is final; all else may pass."""
    if isinstance(error, SMTPRecipientsRefused):
        codes = [refused.code for refused in error.recipients]
        final = all(code >= 500 for code in codes)
        words = "; ".join(f"{r.code} {r.message}" for r in error.recipients)
        return MailRefused(words) if final else MailPutOff(words)
    if isinstance(error, SMTPDataError) and error.code >= 500:
        return MailRefused(f"{error.code} {error.message}")
    if isinstance(error, SMTPResponseException):
        return MailPutOff(f"{error.code} {error.message}")
    return MailPutOff(f"{type(error).__name__}: {error}")


class Mailbox:
    """A folder of `.eml` files that only their owner reads, for development."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Carry]:
        yield self._carry
        await asyncio.to_thread(self._forget_oldest)

    async def _carry(self, letter: Letter) -> None:
        try:
            path = await asyncio.to_thread(self._write, letter)
        except OSError as error:
            raise MailPutOff(f"the mailbox cannot be written: {error}") from error
        log.info("mail_written", subject=str(letter.message["Subject"]), path=str(path))

    def _write(self, letter: Letter) -> Path:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = str(letter.message["Message-ID"]).strip("<>").partition("@")[0]
        path, draft = self._folder / f"{name}.eml", self._folder / f"{name}.part"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(bytes(letter))
        return draft.replace(path)

    def _forget_oldest(self) -> None:
        """Ids sort by time, and so do the files."""
        if self._folder.exists():
            for path in sorted(self._folder.glob("*.eml"))[:-MOST_FILES]:
                path.unlink(missing_ok=True)
