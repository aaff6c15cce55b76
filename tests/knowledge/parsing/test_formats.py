"""What is read of each format, and its structure."""

import io
import zipfile
from datetime import UTC, datetime

import pytest

from app.knowledge.parsing.document import load
from app.knowledge.parsing.errors import NoTextFound, UnsupportedDocument
from tests.knowledge.parsing.conftest import Parse, told
from tests.support.documents import W, slides, with_part, word, workbook, zipped

DAY = datetime(2026, 1, 2, tzinfo=UTC).replace(tzinfo=None)
HTML = b"""<!doctype html><html><head><title>On cats</title><style>p {color: red}</style></head>
<body><nav>Home</nav><h1>Cats</h1><p>They <b>sleep</b> a lot<br>and eat.<script>evil()</script></p>
<div hidden>no</div><p style="display: none">neither</p>
<ul><li>black<ul><li>tame</li></ul></li><li>white</ul>
<table><tr><th>Name<th>Age</tr><tr><td>Tom</td><td>3|4</td></tr></table>
<pre>  x = 1
  y</pre>Tail<img alt="a cat"></body></html>"""
MARKDOWN = b"""---
title: "Rules"
---
# House rules

Be **kind** to all who live here.

Sub
---

- one
- two
  1. deeper

| a | b |
|---|---|
| 1 | 2 |

```python
def f():
    pass
```
"""


async def test_word_keeps_headings_lists_tables_and_what_was_decided(parse: Parse) -> None:
    parsed = await parse(word(title="The handbook"), "handbook.docx")
    assert told(parsed) == [
        ("heading", 1, "Handbook"),
        ("heading", 1, "Travel"),
        ("paragraph", 0, "Trips are paid for by the company when they were approved before."),
        ("heading", 2, "Trains"),
        ("list", 1, "first class"),
        ("list", 1, "on long trips only"),
        ("heading", 1, "Money"),
        ("table", 0, "| Country | Euro |\n| --- | --- |\n| France | 30 |\n|  | 40 |"),
        ("paragraph", 0, "Ask Alice"),
    ]
    assert (parsed.title, parsed.language, parsed.pages) == ("The handbook", "en", None)


async def test_a_text_box_within_another_is_read_once(parse: Parse) -> None:
    inner = "<w:txbxContent><w:p><w:r><w:t>inner</w:t></w:r></w:p></w:txbxContent>"
    outer = (
        "<w:txbxContent><w:p><w:r><w:t>outer</w:t></w:r>"
        f"<w:r><w:pict>{inner}</w:pict></w:r></w:p></w:txbxContent>"
    )
    markup = (
        f"<w:document {W}><w:body><w:p><w:r><w:pict>{outer}</w:pict></w:r></w:p></w:body>"
        "</w:document>"
    )
    parsed = await parse(with_part(word(), "word/document.xml", markup.encode()), "x.docx")
    assert [text for _, _, text in told(parsed)] == ["inner", "outer"]


async def test_a_word_file_with_macros_is_read_and_they_are_not(parse: Parse) -> None:
    plain = word()
    types = b"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    macros = b"application/vnd.ms-word.document.macroEnabled.main+xml"
    with zipfile.ZipFile(io.BytesIO(plain)) as archive:
        content_types = archive.read("[Content_Types].xml").replace(types, macros)
    content = with_part(plain, "[Content_Types].xml", content_types)
    content = with_part(content, "word/vbaProject.bin", b"Sub AutoOpen() Shell")
    parsed = await parse(content, "handbook.docm")
    assert "Trips are paid" in parsed.text
    assert "AutoOpen" not in parsed.text


async def test_each_slide_is_a_page_with_its_title_notes_groups_and_tables(parse: Parse) -> None:
    parsed = await parse(slides(), "talk.pptx")
    assert [(block.page, kind, text) for block, (kind, _, text) in zip(
        parsed.blocks, told(parsed), strict=True
    )] == [
        (1, "heading", "Strategy"),
        (1, "list", "Grow"),
        (1, "list", "Save"),
        (2, "heading", "Outlook"),
        (2, "paragraph", "Rain"),
        (2, "paragraph", "In a group"),
        (2, "table", "| Year | Sum |\n| --- | --- |\n| 2026 | 7 |"),
        (2, "paragraph", "Notes: Smile here"),
    ]  # fmt: skip
    assert parsed.pages == 2


async def test_each_sheet_is_a_page_with_the_values_of_its_formulas(parse: Parse) -> None:
    content = workbook(
        {
            "Sales": [
                ["Day", "Sum", "ok"],
                [DAY, 2.0, True],
                ["all", "=B2*2"],
            ],
            "Notes": [["only one"]],
        }
    )
    parsed = await parse(content, "book.xlsx")
    assert told(parsed) == [
        ("heading", 1, "Sales"),
        (
            "table",
            0,
            "| Day | Sum | ok |\n| --- | --- | --- |\n| 2026-01-02 | 2 | TRUE |\n| all | 42 |  |",
        ),
        ("heading", 1, "Notes"),
        ("table", 0, "| only one |\n| --- |"),
    ]
    assert [block.page for block in parsed.blocks] == [1, 1, 2, 2]


async def test_of_a_web_page_is_read_what_one_sees(parse: Parse) -> None:
    parsed = await parse(HTML, "cats.html")
    assert told(parsed) == [
        ("heading", 1, "Cats"),
        ("paragraph", 0, "They sleep a lot\nand eat."),
        ("list", 1, "black"),
        ("list", 2, "tame"),
        ("list", 1, "white"),
        ("table", 0, "| Name | Age |\n| --- | --- |\n| Tom | 3\\|4 |"),
        ("code", 0, "  x = 1\n  y"),
        ("paragraph", 0, "Tail a cat"),
    ]
    assert parsed.title == "On cats"


async def test_markdown_keeps_headings_of_both_kinds_nested_lists_tables_and_code(
    parse: Parse,
) -> None:
    parsed = await parse(MARKDOWN, "rules.md")
    assert told(parsed) == [
        ("code", 0, 'title: "Rules"'),
        ("heading", 1, "House rules"),
        ("paragraph", 0, "Be **kind** to all who live here."),
        ("heading", 2, "Sub"),
        ("list", 1, "one"),
        ("list", 1, "two"),
        ("list", 2, "deeper"),
        ("table", 0, "| a | b |\n| --- | --- |\n| 1 | 2 |"),
        ("code", 0, "def f():\n    pass"),
    ]
    assert parsed.title == "Rules"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
async def test_a_table_of_text_is_a_table_whatever_parts_its_cells(
    parse: Parse, delimiter: str
) -> None:
    rows = [["name", "sum"], ["Tom", '=HYPERLINK("http://x")'], ["+1", "@cmd"]]
    text = "\n".join(delimiter.join('"' + c.replace('"', '""') + '"' for c in r) for r in rows)
    parsed = await parse(text.encode(), "x.csv")
    assert told(parsed)[0][2] == (
        '| name | sum |\n| --- | --- |\n| Tom | =HYPERLINK("http://x") |\n| +1 | @cmd |'
    )


async def test_json_has_a_block_for_each_member_and_lines_for_each_line(parse: Parse) -> None:
    parsed = await parse(b'{"a": [1, 2], "b": {"c": 12345678901234567890}}', "x.json")
    assert told(parsed) == [
        ("code", 0, '{"a": [1, 2]}'),
        ("code", 0, '{"b": {"c": 12345678901234567890}}'),
    ]
    assert [block.name for block in parsed.blocks] == ["a", "b"]
    lines = await parse(b'{"a": 1}\n\n{"a": 2}\n', "x.jsonl")
    assert [text for _, _, text in told(lines)] == ['{"a": 1}', '{"a": 2}']


async def test_mail_is_read_with_its_heads_and_its_attachments_are_named(parse: Parse) -> None:
    mail = (
        "From: =?utf-8?q?J=C3=B6rg?= <j@example.com>\r\nTo: a@example.com\r\n"
        "Subject: =?utf-8?b?R3LDvMOfZQ==?=\r\nDate: Sat, 21 Nov 2026 10:00:00 +0000\r\n"
        "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n"
        "--B\r\nContent-Type: text/html; charset=iso-8859-1\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n<p>Sch=F6ne Gr=FC=DFe</p>\r\n"
        "--B\r\nContent-Type: application/pdf\r\n"
        'Content-Disposition: attachment; filename="plan.pdf"\r\n\r\n%PDF\r\n--B--\r\n'
    )
    parsed = await parse(mail.encode(), "letter.eml")
    assert [text for _, _, text in told(parsed)] == [
        "Grüße",
        "From: Jörg <j@example.com>\nTo: a@example.com\nDate: Sat, 21 Nov 2026 10:00:00 +0000",
        "Schöne Grüße",
        "Attachments: plan.pdf",
    ]
    assert parsed.media_type == "message/rfc822"
    assert any("attachments" in warning for warning in parsed.warnings)


async def test_code_is_parted_by_its_definitions_with_the_comments_above(parse: Parse) -> None:
    source = (
        b"import os\n\n# doubles\n@cache\ndef f(x):\n    return 2 * x\n\n\nclass A:\n    x = 1\n"
    )
    parsed = await parse(source, "x.py")
    assert [(block.name, parsed.of(block)) for block in parsed.blocks] == [
        ("", "import os"),
        ("def f", "# doubles\n@cache\ndef f(x):\n    return 2 * x"),
        ("class A", "class A:\n    x = 1"),
    ]
    c = await parse(b"#include <a.h>\nint main(void) {\n  return 0;\n}\nstruct B {\n};\n", "x.c")
    assert [block.name for block in c.blocks] == ["", "main", "struct B"]


async def test_rich_text_open_documents_and_books_are_read_too(parse: Parse) -> None:
    rtf = await parse(rb"{\rtf1\ansi Hello {\b world}\par Second}", "x.rtf")
    assert [text for _, _, text in told(rtf)] == ["Hello world", "Second"]
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "text", "table")
    )
    body = (
        f"<office:document-content {spaces}><office:body><office:text>"
        '<text:h text:outline-level="2">Part</text:h><text:p>Some<text:s/>text</text:p>'
        "<text:list><text:list-item><text:p>point</text:p></text:list-item></text:list>"
        "</office:text></office:body></office:document-content>"
    )
    odt = await parse(
        zipped(
            {
                "mimetype": b"application/vnd.oasis.opendocument.text",
                "content.xml": body.encode(),
                "META-INF/manifest.xml": b"<manifest/>",
            }
        ),
        "x.odt",
    )
    assert told(odt) == [
        ("heading", 2, "Part"),
        ("paragraph", 0, "Some text"),
        ("list", 1, "point"),
    ]
    sheet = (
        f"<office:document-content {spaces}><office:body><office:spreadsheet>"
        '<table:table table:name="One"><table:table-row><table:table-cell '
        'office:value-type="string"><text:p>Day</text:p></table:table-cell></table:table-row>'
        "</table:table></office:spreadsheet></office:body></office:document-content>"
    )
    ods = await parse(
        zipped(
            {
                "mimetype": b"application/vnd.oasis.opendocument.spreadsheet",
                "content.xml": sheet.encode(),
                "META-INF/manifest.xml": b"<manifest/>",
            }
        ),
        "x.ods",
    )
    assert told(ods) == [("heading", 1, "One"), ("table", 0, "| Day |\n| --- |")]
    book = zipped(
        {
            "mimetype": b"application/epub+zip",
            "META-INF/container.xml": b'<container xmlns="urn:oasis:names:tc:opendocument:xmlns:'
            b'container"><rootfiles><rootfile full-path="b/c.opf"/></rootfiles></container>',
            "b/c.opf": b'<package xmlns="http://www.idpf.org/2007/opf"><manifest><item id="1" '
            b'href="one.xhtml"/></manifest><spine><itemref idref="1"/></spine></package>',
            "b/one.xhtml": b"<html><body><h1>One</h1><p>Once upon a time</p></body></html>",
        }
    )
    epub = await parse(book, "x.epub")
    assert told(epub) == [("heading", 1, "One"), ("paragraph", 0, "Once upon a time")]


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("utf-8", "Grüße aus Köln, naïve façade"),
        ("utf-8-sig", "Grüße aus Köln"),
        ("utf-16", "Grüße aus Köln"),
        ("utf-16-be", "\ufeffGrüße aus Köln"),
        ("cp1252", "Die Größe der Wörter überrascht die Käufer in Österreich und Köln. " * 5),
        ("cp1251", "Договор страхования был расторгнут клиентом до конца года. " * 5),
        ("shift_jis", "保険契約は年末までに顧客によって解約されました。" * 10),
    ],
)
async def test_text_is_read_in_the_encoding_it_is_in(
    parse: Parse, encoding: str, text: str
) -> None:
    parsed = await parse(text.encode(encoding), "x.txt")
    assert parsed.text == text.strip("\ufeff ")


async def test_the_content_goes_before_the_name_and_the_declared_type(parse: Parse) -> None:
    parsed = await parse(word(), "report.pdf", "application/pdf")
    assert parsed.media_type.endswith("wordprocessingml.document")
    assert parsed.warnings == ("It is named like pdf, but was read as docx.",)
    nameless = await parse(HTML)
    assert nameless.media_type == "text/html"
    declared = await parse(b"a,b\n1,2\n", "export", "text/csv; charset=utf-8")
    assert declared.media_type == "text/csv"
    source = await parse(b'MARK = b"%PDF-"\n', "mark.py")
    assert source.media_type == "text/x-source"
    with pytest.raises(UnsupportedDocument):
        await parse(b"MZ\x90\x00" + bytes(100), "letter.txt")
    with pytest.raises(UnsupportedDocument):
        await parse(b"\x89PNG\r\n\x1a\n" + bytes(100), "picture.pdf")
    with pytest.raises(UnsupportedDocument):
        await parse(zipped({"a.txt": b"a"}), "all.zip")


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "Der Vertrag wurde vom Kunden vor dem Ende des Jahres gekündigt."),
        ("fr", "Le contrat a été résilié par le client avant la fin de l'année."),
        ("ja", "保険契約は年末までに顧客によって解約されました。"),
        (None, "1234 5678"),
    ],
)
async def test_the_language_is_told_where_there_is_text_enough(
    parse: Parse, language: str | None, text: str
) -> None:
    assert (await parse(text.encode(), "x.txt")).language == language


async def test_no_text_is_an_error_and_control_characters_are_left_out(parse: Parse) -> None:
    with pytest.raises(NoTextFound):
        await parse(b"<html><script>1</script></html>", "x.html")
    parsed = await parse(b"a\x01b\x7fc\r\nd\r\n\r\ne", "x.txt")
    assert parsed.text == "abc\nd\n\ne"
    assert load(parsed.dump()) == parsed
