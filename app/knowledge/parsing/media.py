"""What a file is: told by its bytes first, then by its name, then by what its sender said."""

import re
import zipfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import PurePosixPath
from typing import Final

from app.knowledge.parsing.errors import (
    DocumentEncrypted,
    DocumentRefused,
    DocumentUnreadable,
    UnsupportedDocument,
)

OFFICE: Final = "application/vnd.openxmlformats-officedocument."
OPEN: Final = "application/vnd.oasis.opendocument."
TYPES: Final = {
    "pdf": "application/pdf",
    "docx": OFFICE + "wordprocessingml.document",
    "pptx": OFFICE + "presentationml.presentation",
    "xlsx": OFFICE + "spreadsheetml.sheet",
    "ods": OPEN + "spreadsheet",
    "odt": OPEN + "text",
    "epub": "application/epub+zip",
    "rtf": "application/rtf",
    "html": "text/html",
    "markdown": "text/markdown",
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "json": "application/json",
    "jsonl": "application/x-ndjson",
    "mail": "message/rfc822",
    "code": "text/x-source",
    "text": "text/plain",
}
_DECLARED: Final = {media_type: name for name, media_type in TYPES.items()} | {
    "application/xhtml+xml": "html",
    "text/x-markdown": "markdown",
    "application/jsonl": "jsonl",
    "application/jsonlines": "jsonl",
    "application/x-jsonlines": "jsonl",
    "text/rtf": "rtf",
    "application/xml": "code",
    "text/xml": "code",
    "image/svg+xml": "code",
}
CODE_WORDS: Final = (
    "py pyi js mjs cjs jsx ts tsx java kt kts scala groovy c h cc cpp cxx hpp hh cs go rs rb "
    "php pl pm r jl swift m mm lua sh bash zsh fish ps1 bat sql graphql proto thrift tf hcl "
    "toml yaml yml ini cfg conf env properties xml xsl xsd svg css scss less vue svelte dart "
    "ex exs erl hrl hs elm clj cljs lisp el ml mli fs fsx vb pas asm s v sv vhd gradle cmake "
    "make mk dockerfile makefile nix zig"
)
CODE: Final = frozenset(CODE_WORDS.split())
_NAMES: Final = {
    "htm": "html", "html": "html", "xhtml": "html", "md": "markdown", "markdown": "markdown",
    "mdown": "markdown", "mdx": "markdown", "csv": "csv", "tsv": "tsv", "tab": "tsv",
    "json": "json", "geojson": "json", "ipynb": "json", "jsonl": "jsonl", "ndjson": "jsonl",
    "eml": "mail", "txt": "text", "text": "text", "log": "text", "rst": "text", "srt": "text",
}  # fmt: skip
_BINARY: Final = (
    (b"\x89PNG", "a picture"), (b"\xff\xd8\xff", "a picture"), (b"GIF8", "a picture"),
    (b"RIFF", "a recording"), (b"ID3", "a recording"), (b"OggS", "a recording"),
    (b"\x1f\x8b", "an archive"), (b"BZh", "an archive"), (b"7z\xbc\xaf", "an archive"),
    (b"Rar!", "an archive"), (b"\xfd7zXZ", "an archive"), (b"(\xb5/\xfd", "an archive"),
    (b"MZ", "a program"), (b"\x7fELF", "a program"), (b"\xca\xfe\xba\xbe", "a program"),
    (b"SQLite format 3", "a database"), (b"%!PS", "a PostScript file"),
)  # fmt: skip
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_HTML: Final = re.compile(rb"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*+<(!doctype\s+html|html)[\s>]",
                          re.IGNORECASE | re.DOTALL)  # fmt: skip
_MAIL: Final = re.compile(
    rb"(?:[A-Za-z-]+:[^\n]*\r?\n(?:[ \t][^\n]*\r?\n)*){2,}", re.IGNORECASE
)  # fmt: skip
_MAIL_HEADS: Final = re.compile(rb"^(from|to|subject|date|message-id|received|mime-version):",
                                re.IGNORECASE | re.MULTILINE)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sniffed:
    """A format of TYPES. `named` is what its name says, where that is another one."""

    format: str
    named: str | None = None


def sniff(content: bytes, filename: str, declared: str | None) -> Sniffed:
    """Tell a file's format; raises UnsupportedDocument and DocumentEncrypted."""
    by_name = format_of_name(filename)
    found = _by_magic(content, by_name) or _by_words(content, by_name, declared)
    contradicts = by_name is not None and by_name != found and by_name not in _TEXTS
    return Sniffed(found, by_name if contradicts else None)


def format_of_name(filename: str) -> str | None:
    """The format that a name's ending stands for, or None."""
    path = PurePosixPath(filename.lower().replace("\\", "/"))
    ending = path.suffix.removeprefix(".") or path.name
    if ending in _NAMES:
        return _NAMES[ending]
    if ending in CODE:
        return "code"
    if ending in ("docm", "dotx", "pptm", "ppsx", "potx", "xlsm", "xltx"):
        return {"d": "docx", "p": "pptx", "x": "xlsx"}[ending[0]]
    return ending if ending in TYPES and ending not in _TEXTS else None


_TEXTS: Final = frozenset(
    ("html", "markdown", "csv", "tsv", "json", "jsonl", "mail", "code", "text")
)


def _by_magic(content: bytes, by_name: str | None) -> str | None:
    # The format lets something else stand before its mark.
    if content.startswith(b"%PDF-") or (b"%PDF-" in content[:1024] and by_name not in _TEXTS):
        return "pdf"
    if content.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zipped(content)
    if content.startswith(_OLE):
        raise _compound(content)
    if content.startswith(b"{\\rtf"):
        return "rtf"
    for magic, what in _BINARY:
        if content.startswith(magic):
            raise UnsupportedDocument(f"It is {what}; such files are not read.")
    return None


def _zipped(content: bytes) -> str:
    """The office format of a zip file; only its directory is read."""
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            names = {part.filename: part.file_size for part in archive.infolist()[:100_000]}
            told = archive.read("mimetype") if names.get("mimetype", 1000) < 200 else b""
    except (zipfile.BadZipFile, ValueError, OSError, RuntimeError) as error:
        raise DocumentUnreadable("Its archive is broken.") from error
    for part, found in (
        ("word/document.xml", "docx"),
        ("ppt/presentation.xml", "pptx"),
        ("xl/workbook.xml", "xlsx"),
        ("META-INF/container.xml", "epub"),
    ):
        if part in names:
            return found
    for found in ("odt", "ods"):
        if TYPES[found].encode() == told.strip():
            return found
    raise UnsupportedDocument("It is an archive: send the files in it, one by one.")


def _compound(content: bytes) -> DocumentRefused:
    """The old Office format, in which new ones are encrypted too."""
    if "EncryptedPackage".encode("utf-16-le") in content:
        return DocumentEncrypted("Remove its password and send it again.")
    return UnsupportedDocument("It is of Office 97 to 2003: save it in a newer format first.")


def _by_words(content: bytes, by_name: str | None, declared: str | None) -> str:
    head = content[:4096]
    if b"\x00" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")):
        raise UnsupportedDocument("It is neither text nor a format that is read.")
    if by_name in _TEXTS and by_name != "text":
        return by_name
    if _HTML.match(head):
        return "html"
    if _is_mail(head):
        return "mail"
    told = _declared(declared)
    return told if told in _TEXTS else "text"


def _is_mail(head: bytes) -> bool:
    heads = _MAIL.match(head)
    return heads is not None and len(_MAIL_HEADS.findall(heads[0])) >= 2


def _declared(media_type: str | None) -> str | None:
    plain = (media_type or "").partition(";")[0].strip().lower()
    if plain.startswith(("text/x-", "application/x-")) and plain not in _DECLARED:
        return "code"
    return _DECLARED.get(plain)
