"""What is exported and imported again is what it was, in each format."""

import csv
import io
from dataclasses import replace

import pytest
import rdflib
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from rdflib.compare import isomorphic

from app.knowledge.exchange.concept import Concept, Head, Term, from_wire, to_wire
from app.knowledge.exchange.formats.csv_cells import FORMULAS, neutral, restored
from app.knowledge.exchange.formats.table import FORMATS
from tests.knowledge.exchange.concepts import concepts, dictionaries, raw

HEAD = Head('The "best" <words>', "All of\nthem \\ & more", ("en", "de-AT"))
many = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))


def written(name, found):
    writer, known = FORMATS[name].writer(), {concept.id for concept in found}
    pages = [writer.page(page, known) for page in (found[:2], found[2:])]
    return writer.start(HEAD) + b"".join(pages) + writer.end()


def read(name, content):
    return list(FORMATS[name].read(io.BytesIO(content)))


@pytest.mark.parametrize("name", FORMATS)
def test_import_after_export_is_the_identity(name):
    @many
    @given(dictionaries())
    def holds(found):
        rows = read(name, written(name, found))
        assert [row.reason for row in rows] == [""] * len(found)
        assert {row.concept.id: row.concept for row in rows} == {each.id: each for each in found}

    holds()


@pytest.mark.filterwarnings("ignore:ConjunctiveGraph:DeprecationWarning")
@many
@given(dictionaries())
def test_turtle_and_json_ld_say_the_same(found):
    turtle = rdflib.Graph().parse(data=written("turtle", found), format="turtle")
    json_ld = rdflib.Graph().parse(data=written("jsonld", found), format="json-ld")
    assert isomorphic(turtle, json_ld)


@many
@given(dictionaries(most=2))
def test_skos_keeps_its_own_rules(found):
    graph = rdflib.Graph().parse(data=written("turtle", found), format="turtle")
    skos = rdflib.SKOS
    for subject in graph.subjects(rdflib.RDF.type, skos.Concept):
        labels = {
            kind: list(graph.objects(subject, kind))
            for kind in (skos.prefLabel, skos.altLabel, skos.hiddenLabel)
        }
        spoken = [label.language for label in labels[skos.prefLabel]]
        assert len(spoken) == len(set(spoken))  # S14
        together = [label for each in labels.values() for label in each]
        assert len(together) == len(set(together))  # S13


@many
@given(st.one_of(raw, st.text(max_size=5)))
def test_a_neutral_cell_is_no_formula_and_comes_back(cell):
    assert restored(neutral(cell)) == cell
    assert neutral(cell)[:1] not in FORMULAS
    assert neutral(cell).lstrip()[:1] not in FORMULAS


def test_no_cell_of_an_export_is_a_formula():
    bad = '=HYPERLINK("https://example.com")'
    found = [Concept("a", status="draft", notes=(bad,), terms=(Term("en", bad, note="@SUM(1)"),))]
    rows = list(csv.reader(io.StringIO(written("csv", found).decode("utf-8-sig"))))
    cells = [cell for row in rows for cell in row]
    assert not any(cell.startswith(tuple(FORMULAS)) for cell in cells)
    assert "'" + bad in cells


@many
@given(concepts(st.just("one"), st.just("other")))
def test_the_wire_form_is_whole(concept):
    assert from_wire(to_wire(concept)) == concept


@pytest.mark.parametrize("name", ["tbx", "turtle", "jsonld", "csv"])
def test_what_another_tool_has_edited_counts_over_our_record(name):
    found = Concept(
        "a", status="approved", metadata={"k": 1}, terms=(Term("en", "cell", "preferred"),)
    )
    edited = written(name, [found]).replace(b"cell", b"unit")
    [row] = read(name, edited)
    assert row.concept == replace(found, terms=(Term("en", "unit", "preferred"),))


@many
@given(dictionaries(most=3))
def test_tbx_is_well_formed_and_keeps_to_the_rules_of_tbx_basic(found):
    root = etree.fromstring(written("tbx", found))
    assert violations(root) == []


# The assertions of LTAC's Schematron for TBX-Basic in DCA style, as far as we write what they
# are about: where a category may stand, and what it may say.
PLACES = {
    ("descrip", "subjectField"): {"conceptEntry"},
    ("descrip", "definition"): {"conceptEntry", "langSec"},
    ("descrip", "context"): {"termSec"},
    ("admin", "source"): {"conceptEntry", "langSec", "termSec"},
    ("ref", "crossReference"): {"conceptEntry", "termSec"},
    ("xref", "externalCrossReference"): {"conceptEntry", "langSec", "termSec"},
    ("termNote", "administrativeStatus"): {"termSec"},
    ("termNote", "partOfSpeech"): {"termSec"},
    ("termNote", "termType"): {"termSec"},
}
WORDS = {
    "administrativeStatus": {
        "admittedTerm-admn-sts", "deprecatedTerm-admn-sts", "supersededTerm-admn-sts",
        "preferredTerm-admn-sts",
    },
    "partOfSpeech": {"adjective", "noun", "other", "verb", "adverb"},
    "termType": {"fullForm", "acronym", "abbreviation", "shortForm", "variant", "phrase"},
}  # fmt: skip


def violations(root):
    namespace = "{urn:iso:std:iso:30042:ed-2}"
    names = {element.get("id") for element in root.iter() if element.get("id")}
    wrong = [] if root.get("type") == "TBX-Basic" and root.get("style") == "dca" else ["root"]
    for element in root.iter():
        local, kind = element.tag.removeprefix(namespace), element.get("type")
        parent = element.getparent()
        if parent is not None and parent.tag.endswith("Grp"):
            parent = parent.getparent()
        if kind and root is not element:
            place = parent.tag.removeprefix(namespace)
            wrong += [] if place in PLACES.get((local, kind), ()) else [(local, kind, place)]
            wrong += [] if kind not in WORDS or element.text in WORDS[kind] else [element.text]
        if (target := element.get("target")) is not None:
            fits = target in names or target.startswith(("http://", "https://"))
            wrong += [] if fits else [target]
        if local == "langSec" and element.find(f"{namespace}termSec") is None:
            wrong.append("a language section without a term")
    return wrong
