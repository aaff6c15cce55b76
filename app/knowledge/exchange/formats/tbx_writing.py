"""TBX-Basic, written: ISO 30042:2019 in its DCA style, a concept at a time."""

from collections.abc import Container, Iterator, Sequence
from html import escape
from typing import Final

from app.knowledge.exchange.concept import Concept, Head, Source, Term
from app.knowledge.exchange.formats.tbx import (
    NAMESPACE,
    RECORD,
    STATUSES,
    clean,
    seen,
    xml_id,
)
from app.knowledge.exchange.residue import residue

_START: Final = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    f'<tbx type="TBX-Basic" style="dca" xml:lang="en" xmlns="{NAMESPACE}">\n'
    "<tbxHeader><fileDesc>{title}<sourceDesc><p>{about}</p></sourceDesc></fileDesc></tbxHeader>\n"
    "<text><body>\n"
)


class TbxWriter:
    def start(self, head: Head) -> bytes:
        title = clean(head.name)
        named = f"<titleStmt><title>{escape(title)}</title></titleStmt>" if title else ""
        about = clean(head.description) or "A dictionary, exported by Luminous."
        return _START.format(title=named, about=escape(about)).encode()

    def page(self, concepts: Sequence[Concept], known: Container[str]) -> bytes:
        return "".join("\n".join(_entry(concept, known)) + "\n" for concept in concepts).encode()

    def end(self) -> bytes:
        return b"</body></text>\n</tbx>\n"


def _entry(concept: Concept, known: Container[str]) -> Iterator[str]:
    shown = seen(concept, known)
    yield f'<conceptEntry id="{xml_id(concept.id)}">'
    for name in shown.subject_fields:
        yield _typed("descrip", "subjectField", name)
    for relation in shown.relations:
        target = xml_id(relation.target or "")
        yield f'<ref type="crossReference" target="{target}">{target}</ref>'
    for source in shown.sources:
        yield _source(source)
    for note in shown.notes:
        yield f"<note>{escape(note)}</note>"
    if rest := residue(concept, shown):
        yield f"<note>{RECORD}{escape(rest)}</note>"
    for language in dict.fromkeys(term.language for term in shown.terms):
        yield from _section(shown, language)
    yield "</conceptEntry>"


def _section(concept: Concept, language: str) -> Iterator[str]:
    yield f'<langSec xml:lang="{language}">'
    for definition in concept.definitions:
        if definition.language == language:
            source = _typed("admin", "source", definition.source) if definition.source else ""
            said = _typed("descrip", "definition", definition.text)
            yield f"<descripGrp>{said}{source}</descripGrp>"
    examples = [each.text for each in concept.examples if each.language == language]
    for term in concept.terms:
        if term.language == language:
            yield from _term(term, examples)
            examples = []
    yield "</langSec>"


def _term(term: Term, examples: Sequence[str]) -> Iterator[str]:
    yield f"<termSec><term>{escape(term.text)}</term>"
    if term.status in STATUSES:
        yield _typed("termNote", "administrativeStatus", STATUSES[term.status])
    else:
        yield _typed("termNote", "termType", "abbreviation")
    if term.part_of_speech:
        yield _typed("termNote", "partOfSpeech", term.part_of_speech)
    for text in examples:
        yield _typed("descrip", "context", text)
    if term.note:
        yield f"<note>{escape(term.note)}</note>"
    yield "</termSec>"


def _source(source: Source) -> str:
    if source.url is None:
        return _typed("admin", "source", source.title)
    target = escape(source.url)
    said = escape(source.title)
    return f'<xref type="externalCrossReference" target="{target}">{said}</xref>'


def _typed(element: str, kind: str, text: str) -> str:
    return f'<{element} type="{kind}">{escape(text)}</{element}>'
