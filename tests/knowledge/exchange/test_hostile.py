"""Files that mean harm, or are not what they say: refused with a clear word, at a bounded cost."""

import io
import resource
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from app.knowledge.exchange.errors import FileMalformed
from app.knowledge.exchange.formats.row import Malformed
from app.knowledge.exchange.formats.table import FORMATS
from app.knowledge.exchange.reading.parent import Bounds, rows

TBX = '<tbx type="TBX-Basic" style="dca" xml:lang="en" xmlns="urn:iso:std:iso:30042:ed-2">'
ENTRY = (
    '<conceptEntry id="c{0}"><langSec xml:lang="en"><termSec><term>w{0}</term></termSec>'
    "</langSec></conceptEntry>"
)
BOMB = (
    '<?xml version="1.0"?><!DOCTYPE tbx [<!ENTITY a "aaaaaaaaaa">'
    + "".join(
        f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    + f"]>{TBX}<text><body><conceptEntry>&i;</conceptEntry></body></text></tbx>"
)


def read(name, content):
    if isinstance(content, str):
        content = content.encode()
    return list(FORMATS[name].read(io.BytesIO(content)))


async def by_child(name, content, bounds=None):
    with tempfile.TemporaryFile() as file:
        file.write(content.encode() if isinstance(content, str) else content)
        file.flush()
        found = rows(file, name, bounds) if bounds else rows(file, name)
        return [row async for row in found]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("tbx", BOMB, "DTD"),
        ("tbx", f'<!DOCTYPE tbx SYSTEM "x.dtd" [<!ATTLIST a b CDATA "c">]>{TBX}</tbx>', "DTD"),
        ("tbx", f'<!DOCTYPE tbx SYSTEM "file:///etc/passwd">{TBX}&x;</tbx>', "entities"),
        ("tbx", '<!DOCTYPE tbx [<!ENTITY x SYSTEM "file:///etc/passwd">]><tbx>&x;</tbx>', "DTD"),
        ("tbx", TBX + "<text>" + "<a>" * 100, "nested deeper"),
        ("tbx", "<html></html>", "root element"),
        ("tbx", TBX + "<text><body>", "no well-formed XML"),
        ("tbx", b'<?xml version="1.0" encoding="utf-8"?><tbx>\xff</tbx>', "line 1"),
        ("tbx", b'<?xml version="1.0" encoding="x-nothing"?><tbx/>', "encoding"),
        ("jsonld", '{"@context": "http://127.0.0.1:9/context"}', "not fetched"),
        ("jsonld", '{"@context": [{}, "file:///etc/passwd"]}', "not fetched"),
        ("jsonld", '{"@context": {"x": {"@id": "y:z", "@context": "http://a"}}}', "not fetched"),
        ("jsonld", '{"@context": {"@import": "http://a"}}', "not fetched"),
        ("jsonld", '{"a":' * 100 + "1" + "}" * 100, "nested deeper"),
        ("jsonld", "[" * 100_000, "no well-formed JSON"),
        ("jsonld", b'{"a": "\xff"}', "not UTF-8"),
        ("turtle", "<a> <b> ", "no well-formed turtle"),
        ("turtle", "[ <a:b> " * 5_000, "no well-formed turtle"),
        ("turtle", b'<a:a> <a:b> "\xff" .', "line 1: is not UTF-8"),
        ("json", '{"concepts": [' + "[" * 100_000, "nested deeper"),
        ("json", '{"concepts": [], "more": ' + "[" * 100_000, "no well-formed JSON"),
        ("json", '[{"id": "a"}]', "no list `concepts`"),
        ("json", '{"concepts": [{"id": "a"}', "no well-formed JSON"),
        ("csv", "language,word\nen,a\n", "`term`"),
        ("csv", "term,term\na,b\n", "twice"),
        ("csv", "term,strange\na,b\n", "'strange' is no column"),
        ("csv", "language,term\nen\n", "line 2: 1 cells under 2 columns"),
        ("csv", 'language,term\nen,"a\n', "no well-formed CSV"),
        ("csv", "language,term\nen," + "x" * 1_100_000, "field larger"),
        ("csv", b"\x00\x01\x00\x01", "NUL"),
    ],
)
def test_it_is_refused_with_its_place_and_reason(name, content, said):
    with pytest.raises(Malformed) as refused:
        read(name, content)
    assert said in str(refused.value), str(refused.value)


@pytest.mark.parametrize(
    ("encoding", "text"),
    [("utf-8", "Größe"), ("utf-8-sig", "Größe"), ("utf-16", "Größe שלום"), ("cp1252", "Größe €")],
)
def test_the_encoding_of_csv_is_found_out(encoding, text):
    [row] = read("csv", f"language,term\nde,{text}\n".encode(encoding))
    assert row.concept.terms[0].text == text


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_delimiter_of_csv_is_found_out(delimiter):
    [row] = read("csv", delimiter.join(["language", "term"]) + "\n" + delimiter.join(["en", "a"]))
    assert row.concept.terms[0].text == "a"


def test_a_term_of_a_csv_without_languages_is_of_none():
    rows = read("csv", "term,definition\ncell,a unit\nroom,\n")
    assert [row.concept.terms[0].language for row in rows] == ["und", "und"]
    assert rows[0].concept.definitions[0].language == "und"


def test_tbx_that_names_its_dtd_is_read_as_iate_and_others_write_it():
    martif = (
        '<?xml version="1.0"?><!DOCTYPE martif SYSTEM "TBXcoreStructV02.dtd">'
        '<martif type="TBX" xml:lang="en"><text><body><termEntry id="IATE-84">'
        '<langSet xml:lang="en"><tig><term>competence</term></tig></langSet>'
        "</termEntry></body></text></martif>"
    )
    [row] = read("tbx", martif)
    assert row.concept.terms[0].text == "competence"


@pytest.mark.parametrize("encoding", ["utf-16", "iso-8859-1"])
def test_tbx_is_read_in_the_encoding_that_it_declares(encoding):
    text = f'<?xml version="1.0" encoding="{encoding}"?>{TBX}<text><body>' + ENTRY.format("ö")
    [row] = read("tbx", (text + "</body></text></tbx>").encode(encoding))
    assert row.concept.terms[0].text == "wö"


def test_a_formula_in_a_foreign_csv_is_a_text_and_nothing_else():
    [row] = read("csv", "language,term\nen,=1+1\n")
    assert row.concept.terms[0].text == "=1+1"


def test_martif_and_both_styles_of_tbx_say_the_same():
    old = """<martif type="TBX" xml:lang="en"><text><body><termEntry id="c1">
      <descrip type="subjectField">Law</descrip><langSet xml:lang="en">
      <descripGrp><descrip type="definition">A   thing.</descrip>
        <admin type="source">Book</admin></descripGrp>
      <ntig><termGrp><term>thing</term><termNote type="administrativeStatus"
        >preferredTerm-admn-sts</termNote></termGrp></ntig>
      <tig><term>thg</term><termNote type="termType">acronym</termNote></tig>
      <tig><term>gadget</term>
        <termNote type="administrativeStatus">supersededTerm-admn-sts</termNote></tig>
      </langSet></termEntry></body></text></martif>"""
    new = """<tbx type="TBX-Basic" style="dct" xml:lang="en" xmlns="urn:iso:std:iso:30042:ed-2"
      xmlns:min="http://www.tbxinfo.net/ns/min" xmlns:basic="http://www.tbxinfo.net/ns/basic">
      <text><body><conceptEntry id="c1"><min:subjectField>Law</min:subjectField>
      <langSec xml:lang="en"><descripGrp><basic:definition>A thing.</basic:definition>
        <basic:source>Book</basic:source></descripGrp>
      <termSec><term>thing</term>
        <min:administrativeStatus>preferredTerm-admn-sts</min:administrativeStatus></termSec>
      <termSec><term>thg</term><basic:termType>acronym</basic:termType></termSec>
      <termSec><term>gadget</term>
        <min:administrativeStatus>supersededTerm-admn-sts</min:administrativeStatus></termSec>
      </langSec></conceptEntry></body></text></tbx>"""
    [first], [second] = read("tbx", old), read("tbx", new)
    assert first.concept == second.concept
    assert [term.status for term in first.concept.terms] == [
        "preferred", "abbreviation", "forbidden",
    ]  # fmt: skip


def test_foreign_skos_is_read_and_says_each_relation_once():
    text = """@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
      @prefix xl: <http://www.w3.org/2008/05/skos-xl#> .
      <http://a/1> a skos:Concept ; skos:prefLabel "animal"@en ; skos:narrower <http://a/2> ;
        skos:related <http://a/3> .
      <http://a/2> a skos:Concept ; skos:prefLabel "dog"@en ; skos:altLabel "hound"@en ;
        skos:broader <http://a/1> ; skos:exactMatch <http://b/9> .
      <http://a/3> skos:prefLabel "zoo"@en ; skos:related <http://a/1> ;
        skos:definition [ <http://www.w3.org/1999/02/22-rdf-syntax-ns#value> "A park."@en ] ;
        xl:altLabel [ xl:literalForm "menagerie"@en ] ."""
    found = {row.concept.id: row.concept for row in read("turtle", text)}
    assert [r.target for r in found["http://a/1"].relations] == ["http://a/3"]
    assert {(r.kind, r.target, r.uri) for r in found["http://a/2"].relations} == {
        ("broader", "http://a/1", None), ("same_as", None, "http://b/9"),
    }  # fmt: skip
    zoo = found["http://a/3"]
    assert (zoo.external_id, zoo.relations) == ("http://a/3", ())
    assert [term.text for term in zoo.terms] == ["zoo", "menagerie"]
    assert zoo.definitions[0].text == "A park."


async def test_the_child_reads_what_the_formats_read():
    body = "".join(ENTRY.format(n) for n in range(3))
    found = await by_child("tbx", f"{TBX}<text><body>{body}</body></text></tbx>")
    assert [(row.position, row.concept["id"]) for row in found] == [(1, "c0"), (2, "c1"), (3, "c2")]


async def test_memory_stays_flat_however_large_the_file():
    body = "".join(ENTRY.format(n) for n in range(40_000))
    # Beyond what the interpreter itself maps; the elements of all entries would take the double.
    bounds = Bounds(memory_bytes=32 * 1024 * 1024, cpu_seconds=60, silent_seconds=60)
    found = await by_child("tbx", f"{TBX}<text><body>{body}</body></text></tbx>", bounds)
    assert len(found) == 40_000


async def test_a_reader_that_takes_too_much_memory_or_time_is_killed():
    turtle = "".join(f"<http://a/{n}> <http://b> '{n}' .\n" for n in range(100_000))
    with pytest.raises(FileMalformed, match="split it"):
        await by_child("turtle", turtle, Bounds(memory_bytes=64 * 1024 * 1024))
    with pytest.raises(FileMalformed, match="split it"):
        await by_child("turtle", turtle, Bounds(cpu_seconds=1))
    with pytest.raises(FileMalformed, match="too long"):
        await by_child("turtle", turtle, Bounds(silent_seconds=0.2))


async def test_nothing_is_fetched_while_a_file_is_read():
    asked = []

    class Listener(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_):
            """Quietly."""

    server = HTTPServer(("127.0.0.1", 0), Listener)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    try:
        with pytest.raises(FileMalformed):
            await by_child("jsonld", f'{{"@context": "{address}/c.jsonld", "@id": "a:b"}}')
        named = f'<!DOCTYPE tbx SYSTEM "{address}/tbx.dtd">{TBX}<text><body>{ENTRY.format("a")}'
        [row] = await by_child("tbx", named + "</body></text></tbx>")
        assert row.concept["terms"][0]["text"] == "wa"
    finally:
        server.shutdown()
        server.server_close()
    assert asked == []


async def test_a_concept_with_what_cannot_be_kept_is_refused_alone():
    found = await by_child(
        "json",
        '{"concepts": [{"id": "a", "notes": ["\\u0000"]}, {"id": "b", "more": 1}, 7, {"id": "c"}]}',
    )
    assert [row.reason for row in found] == [
        "holds the NUL character",
        "has unknown fields: more",
        "is no JSON object",
        None,
    ]
    huge = '"{""n"": 123456789012345678901234567890}"'
    [row] = await by_child("csv", f"language,term,metadata\nen,a,{huge}\n")
    assert row.reason.startswith("holds what JSON has no way to say")


async def test_an_upload_that_is_too_large_is_refused_and_nothing_of_it_kept(desk, app):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    async def pieces():
        for _ in range(200):
            yield b"x" * 1024 * 1024

    path = f"/v1/dictionaries/{desk.dictionary}/imports?format=csv"
    answer = await desk.call("POST", path, content=pieces())
    assert answer.status_code == 413, answer.text
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 100 * 1024  # kilobytes
    listed = await desk.call("GET", "/v1/dictionary/imports")
    assert listed.json()["data"] == []
