"""What an address gives, as text: web pages, plain text, JSON and PDF."""

import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.agents.tools.tool import ToolFault
from app.agents.tools.web.client import MIB, Reply
from app.agents.tools.web.markdown import Link, Page, page_of
from app.knowledge.parsing.errors import DocumentRefused, ParserUnavailable
from app.knowledge.parsing.limits import ParseLimits
from app.knowledge.parsing.parse import Parsers

HTML: Final = frozenset({"text/html", "application/xhtml+xml"})
TEXTS: Final = frozenset(
    {"application/json", "application/xml", "application/yaml", "application/javascript"}
)
PDF: Final = "application/pdf"
MOST_BYTES: Final = 10 * MIB
# A page of more is cut: it is read beside the loop, but by this process.
MOST_HTML_BYTES: Final = 3 * MIB
PDF_LIMITS: Final = ParseLimits(
    file_bytes=MOST_BYTES, pages=300, characters=2_000_000, seconds=25.0, cpu_seconds=15
)


@dataclass(frozen=True, slots=True)
class Read:
    """What a reply says: its text, Markdown where it is a page."""

    title: str
    text: str
    media_type: str
    links: tuple[Link, ...] = ()


async def read(reply: Reply, parsers: Parsers) -> Read:
    """Raises ToolFault: not_text, too_large, timeout."""
    media_type = reply.media_type or _sniffed(reply.body)
    if media_type == PDF:
        return await _pdf(reply, parsers)
    if media_type in HTML:
        page = await asyncio.to_thread(_page, reply)
        return Read(page.title, page.text, media_type, page.links)
    if is_text(media_type):
        return Read("", await asyncio.to_thread(text_of, reply), media_type)
    kind = media_type[:80] or "something unknown"
    raise ToolFault("not_text", f"{reply.url.raw_host} gives {kind}, which is not read.")


def is_text(media_type: str) -> bool:
    """Whether this is read as the text it is."""
    return (
        media_type.startswith("text/")
        or media_type in TEXTS
        or media_type.endswith(("+json", "+xml", "+yaml"))
    )


def text_of(reply: Reply) -> str:
    """The body as text, by the encoding it names; raises ToolFault for what is none."""
    from app.knowledge.parsing.decoding import decode  # noqa: PLC0415 - not needed at start

    told = reply.headers.get("content-type", "").lower().partition("charset=")[2]
    if b"\x00" in reply.body[:1024] and not reply.body.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ToolFault("not_text", f"{reply.url.raw_host} gives no text.")
    return decode(reply.body, told.strip("\"' ;")[:40] or None)[0]


def _page(reply: Reply) -> Page:
    from app.knowledge.parsing.decoding import (  # noqa: PLC0415 - not needed at start
        declared_in_html,
        decode,
    )

    told = reply.headers.get("content-type", "").lower().partition("charset=")[2]
    declared = told.strip("\"' ;")[:40] or declared_in_html(reply.body)
    try:
        return page_of(decode(reply.body[:MOST_HTML_BYTES], declared)[0], reply.url)
    except DocumentRefused as refused:
        raise ToolFault("not_text", f"The page is not read: {refused.detail}") from None


async def _pdf(reply: Reply, parsers: Parsers) -> Read:
    if reply.cut:
        raise ToolFault("too_large", f"The PDF has more than {MOST_BYTES // MIB} MiB.")
    path = await asyncio.to_thread(_kept, reply.body)
    try:
        parsed = await parsers.parse(path, media_type=PDF, limits=PDF_LIMITS)
    except ParserUnavailable:
        raise ToolFault("unavailable", "Documents cannot be read now; try again later.") from None
    except DocumentRefused as refused:
        code = "too_large" if refused.code in ("document_too_large", "document_too_long") else None
        raise ToolFault(code or "not_text", f"The PDF is not read: {refused.detail}") from None
    finally:
        await asyncio.to_thread(path.unlink, missing_ok=True)
    return Read(parsed.title, parsed.text, PDF)


def _kept(body: bytes) -> Path:
    with tempfile.NamedTemporaryFile(prefix="luminous-fetched-", delete=False) as file:
        file.write(body)
    return Path(file.name)


def _sniffed(body: bytes) -> str:
    begin = body[:512].lstrip().lower()
    if begin.startswith(b"%pdf-"):
        return PDF
    return "text/html" if begin.startswith((b"<!doctype html", b"<html")) else "text/plain"
