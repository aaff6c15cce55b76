"""Files that are built to do harm, or are too much: refused with a reason, and nothing else."""

import io
import os
import zipfile
from pathlib import Path

import pypdfium2
import pytest

from app.knowledge.parsing.errors import (
    DocumentEmpty,
    DocumentEncrypted,
    DocumentRefused,
    DocumentTooCostly,
    DocumentTooLarge,
    DocumentTooLong,
    DocumentUnreadable,
    DocumentUnsafe,
    UnsupportedDocument,
)
from app.knowledge.parsing.limits import MIB, ParseLimits
from app.knowledge.parsing.parse import Parsers
from tests.knowledge.parsing.conftest import Parse
from tests.support.documents import slides, with_part, word, workbook

LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha">
<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>
<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p>
<w:r><w:t>&c;</w:t></w:r></w:p></w:body></w:document>"""
OUTSIDE = b"""<?xml version="1.0"?><!DOCTYPE l [<!ENTITY x SYSTEM "file:///etc/passwd">]>
<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p>
<w:r><w:t>&x;</w:t></w:r></w:p></w:body></w:document>"""


@pytest.mark.parametrize("markup", [LAUGHS, OUTSIDE, OUTSIDE.decode().encode("utf-16")])
@pytest.mark.parametrize(
    ("content", "part"),
    [
        (word(), "word/document.xml"),
        (slides(), "ppt/slides/slide1.xml"),
        (workbook({"A": [[1]]}), "xl/sharedStrings.xml"),
        (word(), "docProps/core.xml"),
    ],
)
async def test_xml_that_declares_entities_is_refused_wherever_it_stands(
    parse: Parse, content: bytes, part: str, markup: bytes
) -> None:
    with pytest.raises(DocumentUnsafe):
        await parse(with_part(content, part, markup), "x")


async def test_an_archive_that_unpacks_to_far_more_is_refused_unread(parse: Parse) -> None:
    zeros = bytes(60 * MIB)
    for content, part in (
        (word(), "word/media/image1.png"),
        (word(), "word/document.xml"),
        (workbook({"A": [[1]]}), "xl/worksheets/sheet9.xml"),
    ):
        with pytest.raises(DocumentUnsafe):
            await parse(with_part(content, part, zeros), "x")
    noise = with_part(word(), "word/media/a.bin", os.urandom(2 * MIB))
    with pytest.raises(DocumentTooLarge):
        await parse(noise, "x", limits=ParseLimits(unpacked_bytes=MIB))
    many = with_part(word(), "word/a.txt", b"a")
    with pytest.raises(DocumentUnsafe):
        await parse(many, "x", limits=ParseLimits(parts=5))


async def test_an_archive_that_lies_about_its_sizes_is_refused(parse: Parse) -> None:
    content = bytearray(with_part(word(), "word/document.xml", b" " * 100_000 + LAUGHS[:0]))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        true = archive.getinfo("word/document.xml").file_size
    stated = true.to_bytes(4, "little")
    assert content.count(stated) >= 2
    lying = bytes(content).replace(stated, (64).to_bytes(4, "little"))
    with pytest.raises(DocumentUnreadable):
        await parse(lying, "x.docx")


async def test_encrypted_office_files_and_archives_are_told_apart_from_broken_ones(
    parse: Parse,
) -> None:
    compound = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)
    with pytest.raises(DocumentEncrypted):
        await parse(compound + "EncryptedPackage".encode("utf-16-le"), "x.docx")
    for stream, name in (("WordDocument", "x.doc"), ("Workbook", "x.xls")):
        with pytest.raises(UnsupportedDocument):
            await parse(compound + stream.encode("utf-16-le"), name)
    flagged = bytearray(word())
    for magic, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = 0
        while (at := flagged.find(magic, at)) >= 0:
            flagged[at + place] |= 1
            at += 4
    with pytest.raises(DocumentEncrypted):
        await parse(bytes(flagged), "x.docx")
    with pytest.raises(DocumentUnreadable):
        await parse(word()[:2000], "x.docx")


async def test_nesting_has_a_bound_in_pages_json_and_mail(parse: Parse) -> None:
    deep = (
        (b"<div>" * 300_000 + b"x", "x.html"),
        (b"<b><i>" * 20_000 + b"x", "x.html"),
        (b"[" * 500_000, "x.json"),
        (b'{"a":' * 300 + b"1" + b"}" * 300, "x.json"),
    )
    for content, name in deep:
        with pytest.raises(DocumentUnsafe):
            await parse(content, name)
    boundary = "".join(
        f"Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n" for n in range(3000)
    )
    with pytest.raises(DocumentRefused):
        await parse(("From: a@b.c\nSubject: x\n" + boundary).encode(), "x.eml")


async def test_many_comments_before_a_text_take_no_time_to_tell_from_a_page(parse: Parse) -> None:
    content = b"<!-- a -->\n" * 300 + b"Some words"
    parsed = await parse(content, limits=ParseLimits(cpu_seconds=10))
    assert parsed.media_type == "text/plain"


async def test_a_pdf_of_five_thousand_pages_is_refused_at_once(parse: Parse) -> None:
    document = pypdfium2.PdfDocument.new()
    for _ in range(5000):
        document.new_page(100, 100).close()
    file = io.BytesIO()
    document.save(file)
    document.close()
    with pytest.raises(DocumentTooLong) as refused:
        await parse(file.getvalue(), "long.pdf")
    assert "5000 pages" in refused.value.detail


async def test_more_text_than_is_read_is_refused_whatever_its_format(parse: Parse) -> None:
    limits = ParseLimits(characters=10_000, blocks=50, pages=3)
    long = b"word " * 5000
    with pytest.raises(DocumentTooLong):
        await parse(long, "x.txt", limits=limits)
    with pytest.raises(DocumentTooLong):
        await parse(b"a,b\n" * 5000, "x.csv", limits=limits)
    with pytest.raises(DocumentTooLong):
        await parse(b"a\n\n" * 100, "x.md", limits=limits)
    with pytest.raises(DocumentTooLong):
        await parse(workbook({str(n): [[n]] for n in range(4)}), "x.xlsx", limits=limits)


async def test_a_file_too_large_or_empty_is_refused_before_any_process_reads_it(
    tmp_path: Path,
) -> None:
    parsers = Parsers()
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(200 * MIB)
    with pytest.raises(DocumentTooLarge) as refused:
        await parsers.parse(large, filename="large.pdf")
    assert "200 MiB" in refused.value.detail
    (tmp_path / "empty").touch()
    with pytest.raises(DocumentEmpty):
        await parsers.parse(tmp_path / "empty")


async def test_memory_and_time_of_a_reader_are_bounded(parse: Parse) -> None:
    wide = workbook({"A": [[1]]})
    cells = b"".join(
        b'<row r="%d"><c r="%s%d"><v>1</v></c></row>' % (row, column, row)
        for row, column in ((1, b"A"), (1048576, b"XFD"))
    )
    sheet = (
        b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        b"<sheetData>" + cells + b"</sheetData></worksheet>"
    )
    with pytest.raises(DocumentTooCostly):
        await parse(with_part(wide, "xl/worksheets/sheet1.xml", sheet), "wide.xlsx")
    with pytest.raises(DocumentTooCostly):
        await parse(b"abc " * 20_000_000, "x.txt", limits=ParseLimits(memory_bytes=60 * MIB))
    with pytest.raises(DocumentTooCostly):
        await parse(b"[a" * 200_000, "slow.md", limits=ParseLimits(cpu_seconds=1))
    with pytest.raises(DocumentTooCostly):
        await parse(b"[a" * 200_000, "slow.md", limits=ParseLimits(seconds=0.5))


@pytest.mark.parametrize("name", ["x.html", "x.md", "x.csv", "x.json", "x.eml", "x.txt", "x.rtf"])
async def test_any_bytes_are_read_or_refused(parse: Parse, name: str) -> None:
    for content in (os.urandom(4096), b"\xff\xfe" + os.urandom(501), b"{\\rtf" + os.urandom(400)):
        try:
            parsed = await parse(content, name)
        except DocumentRefused:
            continue
        assert "\x00" not in parsed.text


@pytest.mark.parametrize("make", [word, slides, lambda: workbook({"A": [["x", 1]]})])
async def test_a_damaged_office_file_is_read_or_refused(parse: Parse, make) -> None:
    content = make()
    for place in range(100, len(content), len(content) // 12):
        damaged = bytearray(content)
        damaged[place : place + 20] = os.urandom(20)
        try:
            await parse(bytes(damaged), "x")
        except DocumentRefused:
            continue
