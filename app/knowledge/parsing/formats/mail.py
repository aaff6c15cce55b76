"""E-mail: who wrote what to whom. Attachments are named, not read."""

from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Final

from app.knowledge.parsing.decoding import decode
from app.knowledge.parsing.formats import html, plain
from app.knowledge.parsing.writing import Writer, one_line

_HEADS: Final = ("From", "To", "Cc", "Date")


def read(content: bytes, writer: Writer) -> None:
    # The strict policy would raise at odd headers; this one keeps them as defects.
    message = BytesParser(EmailMessage, policy=policy.default).parsebytes(content)
    writer.heading(_head(message, "Subject") or "E-mail", 1)
    heads = [(name, _head(message, name)) for name in _HEADS]
    writer.paragraph("\n".join(f"{name}: {value}" for name, value in heads if value))
    body = message.get_body(("plain", "html"))
    if isinstance(body, EmailMessage):
        text = _text(body)
        if body.get_content_type() == "text/html":
            html.write(text, writer)
        else:
            plain.write(text, writer)
    names = [one_line(part.get_filename() or part.get_content_type())[:200]
             for part in message.iter_attachments()] if message.is_multipart() else []  # fmt: skip
    if names:
        writer.paragraph("Attachments: " + ", ".join(names))
        writer.warn("Its attachments were not read: send them as documents of their own.")


def _head(message: EmailMessage, name: str) -> str:
    try:
        return one_line(str(message.get(name) or ""))[:2000]
    except (ValueError, IndexError, AttributeError, LookupError):
        # The parser of addresses stumbles over what some senders write.
        raw = message.get_all(name, []) if name == "Subject" else []
        return one_line(" ".join(map(str, raw)))[:2000]


def _text(part: EmailMessage) -> str:
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    return decode(payload, part.get_content_charset())[0]
