"""What is read of PDFs."""

import re

import pytest

from app.knowledge.parsing.errors import DocumentEncrypted, DocumentUnreadable, NoTextFound
from tests.knowledge.parsing.conftest import Parse, told
from tests.support.documents import columns, pictures, report

TABLE = (
    "| Year | Revenue | Cost |\n| --- | --- | --- |\n| 2024 | 1,200 | 900 |\n| Both | 2,500 | 1 |"
)


@pytest.mark.parametrize("outline", [False, True])
async def test_headings_pages_and_tables_are_kept_and_running_heads_left_out(
    parse: Parse, outline: bool
) -> None:
    parsed = await parse(report(outline=outline), "report.pdf")
    assert (parsed.title, parsed.pages, parsed.language) == ("Annual report", 5, "en")
    of_first = told(parsed)[:5]
    assert of_first == [
        ("heading", 1, "1 Profit"),
        ("paragraph", 0, ("What we say of profit is this sentence. " * 8).strip()),
        ("heading", 2, "More of profit"),
        ("paragraph", 0, ("It goes on with profit for a while. " * 8).strip()),
        ("table", 0, TABLE),
    ]
    assert [block.page for block in parsed.blocks] == [p for p in range(1, 6) for _ in range(5)]
    assert "confidential" not in parsed.text
    assert "Page 3" not in parsed.text


async def test_columns_are_read_one_after_the_other(parse: Parse) -> None:
    parsed = await parse(columns(24), "x.pdf")
    numbers = [int(number) for number in re.findall(r"Paragraph (\d+) begins", parsed.text)]
    assert numbers == list(range(24))


async def test_a_scan_has_no_text_and_scanned_pages_are_warned_of(parse: Parse) -> None:
    with pytest.raises(NoTextFound):
        await parse(pictures(2), "scan.pdf")
    parsed = await parse(pictures(3, text="Only this page has text"), "scan.pdf")
    assert parsed.warnings == ("2 of 3 pages have no text; pictures are not recognised.",)
    assert parsed.pages == 3


async def test_an_encrypted_or_broken_pdf_is_refused(parse: Parse) -> None:
    with pytest.raises(DocumentEncrypted):
        await parse(report(password="open sesame"), "secret.pdf")
    with pytest.raises(DocumentUnreadable):
        await parse(b"%PDF-1.7\n" + b"garbage " * 100, "broken.pdf")
