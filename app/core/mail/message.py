"""Mail as RFC 5322 writes it."""

import re
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime, parseaddr
from uuid import UUID

import idna

# One word on each side of the sign, and nothing that a header could take for its own.
_FORM = re.compile(r"[^\s@<>()\[\]\\,;:\"\x00-\x20\x7f]{1,64}@[^\s@<>\x00-\x20\x7f]{1,255}")


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail with its envelope."""

    sender: str
    recipient: str
    message: EmailMessage

    def __bytes__(self) -> bytes:
        return self.message.as_bytes()


def compose(
    *, mail_id: UUID, sender: str, to: str, subject: str, text: str, at: datetime
) -> Letter:
    """A letter in plain text; raises ValueError for what is no address.

    The id names the message, so a mail that is delivered twice is known to be one.
    """
    name, address = parseaddr(sender)
    from_address, to_address = _wire_address(address), _wire_address(to)
    policy = SMTP if to_address.isascii() else SMTPUTF8
    message = EmailMessage(policy=policy)
    message["From"] = _header(name, from_address)
    message["To"] = _header("", to_address)
    message["Subject"] = subject
    message["Date"] = format_datetime(at)
    message["Message-ID"] = f"<{mail_id}@{from_address.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    return Letter(from_address, to_address, message)


def _header(name: str, address: str) -> Address:
    username, _, domain = address.rpartition("@")
    return Address(name, username, domain)


def _wire_address(address: str) -> str:
    """The address with its domain in ASCII.

    Whether it can be written to was checked where it came from; here also those of a network of
    its own pass, as `owner@luminous.local`.
    """
    if not _FORM.fullmatch(address):
        raise ValueError("this is no e-mail address")
    username, _, domain = address.rpartition("@")
    return f"{username}@{idna.encode(domain, uts46=True).decode()}"
