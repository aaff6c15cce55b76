"""Electronic books: the pages of their spine, one after the other."""

import posixpath
import zipfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from app.knowledge.parsing.archive import checked
from app.knowledge.parsing.decoding import decode
from app.knowledge.parsing.errors import DocumentEncrypted, DocumentUnreadable
from app.knowledge.parsing.formats import html, xml
from app.knowledge.parsing.writing import Writer

if TYPE_CHECKING:
    from lxml.etree import _Element

_CONTAINER: Final = "{urn:oasis:names:tc:opendocument:xmlns:container}"
_OPF: Final = "{http://www.idpf.org/2007/opf}"
_DC: Final = "{http://purl.org/dc/elements/1.1/}"


def read(content: bytes, writer: Writer) -> None:
    with checked(content, writer.limits, doctype=True) as archive:
        if "META-INF/rights.xml" in archive.namelist():
            raise DocumentEncrypted("Its publisher locked it.")
        container = xml.parse(archive, "META-INF/container.xml")
        root = container.find(f".//{_CONTAINER}rootfile")
        path = root.get("full-path") if root is not None else None
        if not path:
            raise DocumentUnreadable("It names no book.")
        package = xml.parse(archive, path)
        title = package.find(f".//{_DC}title")
        writer.title = ((title.text if title is not None else "") or "").strip()[:300]
        for number, page in enumerate(_spine(package, posixpath.dirname(path)), 1):
            writer.turn(number)
            html.write(_page(archive, page), writer)


def _spine(package: "_Element", folder: str) -> Iterator[str]:
    items = {item.get("id"): item.get("href") for item in package.iter(_OPF + "item")}
    for reference in package.iter(_OPF + "itemref"):
        href = items.get(reference.get("idref"))
        if href:
            yield posixpath.normpath(posixpath.join(folder, unquote(href.partition("#")[0])))


def _page(archive: zipfile.ZipFile, name: str) -> str:
    try:
        return decode(archive.read(name))[0]
    except (KeyError, zipfile.BadZipFile) as error:
        raise DocumentUnreadable(f"Its part {name[:100]} cannot be read.") from error
