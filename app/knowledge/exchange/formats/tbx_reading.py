"""TBX, read: ISO 30042:2019 in both styles, and the `martif` form of 2008."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import BinaryIO, Final

from app.knowledge.exchange.concept import (
    UNDETERMINED,
    Concept,
    Definition,
    Example,
    Misshapen,
    Relation,
    Source,
    Term,
)
from app.knowledge.exchange.formats.row import Row
from app.knowledge.exchange.formats.tbx import (
    ABBREVIATIONS,
    RECORD,
    clean,
    from_xml_id,
    is_web,
)
from app.knowledge.exchange.formats.xml_stream import Node, NodeReader
from app.knowledge.exchange.residue import completed

_ENTRIES: Final = frozenset({"conceptEntry", "termEntry"})
_ROOTS: Final = frozenset({"tbx", "martif"})
_SECTIONS: Final = ("langSec", "langSet")
_TERMS: Final = ("termSec", "tig", "ntig")
# In DCA what an element is about stands in its `type`; in DCT it is the element's own name.
_GENERIC: Final = frozenset({"descrip", "termNote", "admin", "ref", "xref"})
_GROUPS: Final = frozenset({"descripGrp", "adminGrp", "termNoteGrp", "termGrp"})
_STATUSES: Final = {
    "preferredTerm": "preferred",
    "admittedTerm": "admitted",
    "deprecatedTerm": "forbidden",
    "supersededTerm": "forbidden",
}


@dataclass(slots=True)
class _Found:
    """What was read of an entry so far."""

    record: str | None = None
    subject_fields: list[str] = field(default_factory=list)
    definitions: list[Definition] = field(default_factory=list)
    examples: list[Example] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)
    terms: list[Term] = field(default_factory=list)
    relations: list[Relation] = field(default_factory=list)


def read(file: BinaryIO) -> Iterator[Row]:
    """Every entry, one at a time; raises Malformed."""
    for number, node in enumerate(NodeReader(_ENTRIES, _ROOTS).read(file), 1):
        try:
            yield Row(node.line, _concept(node, number))
        except Misshapen as error:
            yield Row(node.line, None, str(error))


def _concept(node: Node, number: int) -> Concept:
    found = _Found()
    sections = [child for child in node.children if child.name in _SECTIONS]
    first = sections[0].attributes.get("lang", UNDETERMINED) if sections else UNDETERMINED
    for child in node.children:
        if child.name not in _SECTIONS:
            _take(found, child, first)
    for section in sections:
        _take_section(found, section)
    name = node.attributes.get("id")
    identity = from_xml_id(name) if name else f"entry {number}"
    concept = Concept(
        id=identity,
        external_id=identity if name else None,
        subject_fields=tuple(found.subject_fields),
        definitions=tuple(found.definitions),
        examples=tuple(found.examples),
        notes=tuple(found.notes),
        sources=tuple(found.sources),
        terms=tuple(found.terms),
        relations=tuple(found.relations),
    )
    return completed(concept, found.record)


def _take_section(found: _Found, section: Node) -> None:
    language = section.attributes.get("lang", UNDETERMINED)
    terms = []
    for child in section.children:
        if child.name in _TERMS:
            terms += _terms(found, child, language)
        else:
            _take(found, child, language)
    # Where nobody says which term is preferred, the first one is.
    if not any(said for _, said in terms):
        for place, (term, _) in enumerate(terms):
            if term.status == "admitted":
                terms[place] = (replace(term, status="preferred"), True)
                break
    found.terms += [term for term, _ in terms]


def _take(found: _Found, node: Node, language: str) -> None:
    """What an element outside of the terms tells of the concept."""
    about, text = _about(node), clean(node.text)
    if node.name == "descripGrp" and _child(node, "definition") is not None:
        _take_definition(found, node, language)
    elif node.name in _GROUPS:
        for child in node.children:
            _take(found, child, language)
    elif about == "definition" and text:
        found.definitions.append(Definition(language, text))
    elif about == "context" and text:
        found.examples.append(Example(language, text))
    elif about == "crossReference" and node.attributes.get("target"):
        found.relations.append(Relation("related", from_xml_id(node.attributes["target"])))
    else:
        _take_text(found, node, about, text)


def _take_text(found: _Found, node: Node, about: str, text: str) -> None:
    target = node.attributes.get("target")
    if about == "note" and node.text.strip().startswith(RECORD):
        found.record = node.text.strip().removeprefix(RECORD)
    elif about == "note" and text:
        found.notes.append(text)
    elif about == "subjectField" and text:
        found.subject_fields.append(text)
    elif about == "externalCrossReference" and (text or target):
        found.sources.append(Source(text or target or "", target if is_web(target) else None))
    elif about == "source" and text:
        found.sources.append(Source(text))


def _take_definition(found: _Found, group: Node, language: str) -> None:
    definition, source = _child(group, "definition"), _child(group, "source")
    text = clean(definition.text) if definition else ""
    if text:
        said = clean(source.text) if source else ""
        found.definitions.append(Definition(language, text, said or None))


def _terms(found: _Found, node: Node, language: str) -> list[tuple[Term, bool]]:
    """The term of a section, and whether it says how it stands to the others."""
    told: dict[str, str] = {}
    notes = []
    for child in _flat(node):
        about, text = _about(child), clean(child.text)
        if about == "note":
            notes.append(text)
        elif about in ("context", "definition"):
            _take(found, child, language)
        else:
            told.setdefault(about, text)
    if not told.get("term"):
        return []
    status = told.get("administrativeStatus") or told.get("normativeAuthorization") or ""
    known = _STATUSES.get(status.removesuffix("-admn-sts"))
    short = told.get("termType") in ABBREVIATIONS and known in (None, "admitted")
    term = Term(
        language,
        told["term"],
        "abbreviation" if short else known or "admitted",
        told.get("partOfSpeech") or None,
        "\n".join(filter(None, notes)) or None,
    )
    return [(term, known is not None)]


def _flat(node: Node) -> Iterator[Node]:
    for child in node.children:
        if child.name in _GROUPS:
            yield from _flat(child)
        else:
            yield child


def _about(node: Node) -> str:
    return node.attributes.get("type", "") if node.name in _GENERIC else node.name


def _child(node: Node, about: str) -> Node | None:
    return next((child for child in node.children if _about(child) == about), None)
