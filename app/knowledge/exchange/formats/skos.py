"""SKOS: what it says of a concept, as statements, whatever they are written in."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote

from app.knowledge.exchange.concept import (
    STATUSES,
    UNDETERMINED,
    Concept,
    Definition,
    Example,
    Relation,
    Source,
    Term,
)
from app.knowledge.exchange.residue import completed, residue

PREFIXES: Final = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "dct": "http://purl.org/dc/terms/",
    "owl": "http://www.w3.org/2002/07/owl#",
    "lum": "urn:luminous:terminology:",
}
CONCEPT: Final = "urn:luminous:concept:"
SCHEME: Final = "urn:luminous:dictionary"
LABELS: Final = {
    "skos:prefLabel": "preferred",
    "skos:altLabel": "admitted",
    "skos:hiddenLabel": "forbidden",
}
NOTES: Final = frozenset(
    f"skos:{kind}Note" for kind in ("change", "editorial", "history", "scope")
) | {"skos:note"}
RELATIONS: Final = {
    "skos:broader": "broader",
    "skos:narrower": "narrower",
    "skos:related": "related",
}
# What is written as an IRI: nothing that a parser would take for something else, or resolve.
_IRI: Final = re.compile(r"(https?://|urn:)[!#-;=?-\[\]_a-z~]+")
_DOTS: Final = re.compile(r"/\.{1,2}(/|$)")
_TAG: Final = re.compile(r"[A-Za-z]+(-[A-Za-z0-9]+)*")


@dataclass(frozen=True, slots=True, order=True)
class Statement:
    """`predicate` is a short name (`skos:note`); `value` a text, or an IRI where `is_iri`."""

    predicate: str
    value: str
    language: str = ""
    is_iri: bool = False


def is_iri(value: str | None) -> bool:
    return bool(value and _IRI.fullmatch(value) and not _DOTS.search(value))


def iri_of(identity: str) -> str:
    """A concept's name as an IRI, one for each."""
    if is_iri(identity) and not identity.startswith(CONCEPT):
        return identity
    return CONCEPT + quote(identity, safe="")


def identity_of(iri: str) -> str:
    """The name that `iri_of` made an IRI of."""
    return unquote(iri.removeprefix(CONCEPT)) if iri.startswith(CONCEPT) else iri


def statements_of(concept: Concept) -> list[Statement]:
    """All that is written of a concept; what SKOS lacks is in our own namespace."""
    said = sorted(set(_said(concept)))
    rest = residue(concept, seen_in(iri_of(concept.id), said))
    return [*said, Statement("lum:record", rest)] if rest else said


def _said(concept: Concept) -> Iterator[Statement]:
    yield from _labels(concept)
    for definition in concept.definitions:
        yield _literal("skos:definition", definition.text, definition.language)
    for example in concept.examples:
        yield _literal("skos:example", example.text, example.language)
    for note in concept.notes:
        yield Statement("skos:note", note)
    for name in concept.subject_fields:
        yield Statement("dct:subject", name)
    for source in concept.sources:
        url = source.url if is_iri(source.url) else None
        yield Statement("dct:source", url or source.title, is_iri=url is not None)
    yield from _links(concept)
    if concept.external_id is not None:
        yield Statement("skos:notation", concept.external_id)
    if concept.status is not None:
        yield Statement("lum:status", concept.status)


def _labels(concept: Concept) -> Iterator[Statement]:
    """One preferred label a language, and no text under two kinds: SKOS will have it so."""
    ranks = {"preferred": 0, "admitted": 1, "abbreviation": 1, "forbidden": 2}
    kinds = list(LABELS)
    labelled: set[tuple[str, str]] = set()
    preferred: set[str] = set()
    for term in sorted(concept.terms, key=lambda each: ranks.get(each.status, 1)):
        rank = ranks.get(term.status, 1)
        label = _literal("", term.text, term.language)
        if rank == 0 and label.language in preferred:
            rank = 1
        if (label.language, label.value) not in labelled:
            labelled.add((label.language, label.value))
            preferred |= {label.language} if rank == 0 else set()
            yield _literal(kinds[rank], term.text, term.language)


def _links(concept: Concept) -> Iterator[Statement]:
    for relation in concept.relations:
        if relation.target is not None:
            name = "lum:sameAs" if relation.kind == "same_as" else f"skos:{relation.kind}"
            yield Statement(name, iri_of(relation.target), is_iri=True)
        elif is_iri(relation.uri):
            yield Statement("skos:exactMatch", relation.uri or "", is_iri=True)
    if concept.replaced_by is not None:
        yield Statement("dct:isReplacedBy", iri_of(concept.replaced_by), is_iri=True)


def _literal(predicate: str, text: str, language: str) -> Statement:
    tag = language.lower() if _TAG.fullmatch(language) else UNDETERMINED
    return Statement(predicate, text, tag)


def concept_of(iri: str, said: Collection[Statement], known: Collection[str] = ()) -> Concept:
    """The concept of these statements; `known` are the IRIs of all concepts of the file.

    Raises Misshapen.
    """
    record = next((each.value for each in said if each.predicate == "lum:record"), None)
    return completed(seen_in(iri, said, known), record)


def seen_in(iri: str, said: Collection[Statement], known: Collection[str] = ()) -> Concept:
    """What the statements say without our record. Statements have no order of their own."""
    found = sorted(each for each in set(said) if each.value.strip())
    identity = identity_of(iri)
    notation = next((each.value for each in found if each.predicate == "skos:notation"), None)
    return Concept(
        id=identity,
        external_id=notation if iri.startswith(CONCEPT) else identity,
        status=_status(found),
        subject_fields=tuple(_texts(found, "dct:subject")),
        definitions=tuple(
            Definition(each.language or UNDETERMINED, each.value)
            for each in found
            if each.predicate == "skos:definition" and not each.is_iri
        ),
        examples=tuple(
            Example(each.language or UNDETERMINED, each.value)
            for each in found
            if each.predicate == "skos:example" and not each.is_iri
        ),
        notes=tuple(each.value for each in found if each.predicate in NOTES and not each.is_iri),
        sources=tuple(
            Source(each.value, each.value if each.is_iri else None)
            for each in found
            if each.predicate == "dct:source"
        ),
        terms=tuple(_terms(found)),
        relations=tuple(_relations(found, known)),
        replaced_by=next(
            (identity_of(e.value) for e in found if e.predicate == "dct:isReplacedBy"), None
        ),
    )


def _status(found: Collection[Statement]) -> str | None:
    said = next((each.value for each in found if each.predicate == "lum:status"), None)
    if said is None and Statement("owl:deprecated", "true") in found:
        return STATUSES[-1]
    return said


def _texts(found: Collection[Statement], predicate: str) -> Iterator[str]:
    return (each.value for each in found if each.predicate == predicate and not each.is_iri)


def _terms(found: Collection[Statement]) -> Iterator[Term]:
    labels = [each for each in found if each.predicate in LABELS and not each.is_iri]
    order = list(LABELS)
    for each in sorted(labels, key=lambda e: (e.language, order.index(e.predicate), e.value)):
        yield Term(each.language or UNDETERMINED, each.value, LABELS[each.predicate])


def _relations(found: Collection[Statement], known: Collection[str]) -> Iterator[Relation]:
    for each in found:
        if not each.is_iri:
            continue
        if each.predicate in RELATIONS:
            yield Relation(RELATIONS[each.predicate], identity_of(each.value))
        elif each.predicate == "lum:sameAs" or (
            each.predicate == "skos:exactMatch" and each.value in known
        ):
            yield Relation("same_as", identity_of(each.value))
        elif each.predicate == "skos:exactMatch":
            yield Relation("same_as", uri=each.value)
