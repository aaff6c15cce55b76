"""A concept as the rows of a table, and back."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

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

COLUMNS: Final = (
    "concept", "external_id", "status", "subject_fields", "language", "term", "term_status",
    "part_of_speech", "term_note", "definition", "definition_source", "example", "note",
    "source", "source_url", "broader", "narrower", "related", "same_as", "replaced_by",
    "metadata", "record",
)  # fmt: skip
_RELATIONS: Final = ("broader", "narrower", "related", "same_as")
_LIST: Final = "; "
_URI: Final = "://"


def rows_of(concept: Concept) -> list[dict[str, str]]:
    """A row a term, or one without a term; what finds no place in them is left out."""
    rows = [_term_row(concept.id, term) for term in concept.terms]
    rows = rows or [{"concept": concept.id}]
    by_language: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        by_language.setdefault(row.get("language", ""), []).append(row)
    placed: Counter[str] = Counter()
    for definition in concept.definitions:
        if free := _next(by_language, placed, "definition", definition.language):
            free["definition"] = definition.text
            free["definition_source"] = definition.source or ""
    for example in concept.examples:
        if free := _next(by_language, placed, "example", example.language):
            free["example"] = example.text
    for place, note in zip(rows, concept.notes, strict=False):
        place["note"] = note
    for place, source in zip(rows, concept.sources, strict=False):
        place["source"], place["source_url"] = source.title, source.url or ""
    rows[0] |= _whole(concept)
    return rows


def _term_row(concept: str, term: Term) -> dict[str, str]:
    return {
        "concept": concept,
        "language": term.language,
        "term": term.text,
        "term_status": term.status,
        "part_of_speech": term.part_of_speech or "",
        "term_note": term.note or "",
    }


def _next(
    rows: Mapping[str, list[dict[str, str]]], placed: Counter[str], column: str, language: str
) -> dict[str, str] | None:
    """The next row of a language whose cell is free."""
    place = placed[column + language]
    placed[column + language] += 1
    known = rows.get(language, [])
    return known[place] if place < len(known) else None


def _whole(concept: Concept) -> dict[str, str]:
    """What is of the concept and of no language: in its first row."""
    found = {
        "external_id": concept.external_id or "",
        "status": concept.status or "",
        "subject_fields": _LIST.join(concept.subject_fields),
        "replaced_by": concept.replaced_by or "",
    }
    for kind in _RELATIONS:
        found[kind] = _LIST.join(
            each.target or each.uri or "" for each in concept.relations if each.kind == kind
        )
    if concept.metadata:
        found["metadata"] = json.dumps(concept.metadata, ensure_ascii=False)
    return found


def concept_of(rows: Sequence[Mapping[str, str]], place: str) -> Concept:
    """The concept of these rows; one without a name is called by its `place`. Raises Misshapen."""
    first = {name: value.strip() for name, value in rows[0].items()}
    named = first.get("concept") or None
    return Concept(
        id=named or first.get("external_id") or place,
        external_id=(first["external_id"] or None) if "external_id" in first else named,
        status=first.get("status") or None,
        subject_fields=tuple(_listed(first.get("subject_fields", ""))),
        definitions=tuple(_definitions(rows)),
        examples=tuple(
            Example(_language(row), text) for row in rows if (text := _cell(row, "example"))
        ),
        notes=tuple(filter(None, (_cell(row, "note") for row in rows))),
        sources=tuple(_sources(rows)),
        terms=tuple(_terms(rows)),
        relations=tuple(_relations(first)),
        replaced_by=first.get("replaced_by") or None,
        metadata=_metadata(first.get("metadata", "")),
    )


def _cell(row: Mapping[str, str], column: str) -> str:
    return row.get(column, "").strip()


def _language(row: Mapping[str, str]) -> str:
    return _cell(row, "language") or UNDETERMINED


def _definitions(rows: Sequence[Mapping[str, str]]) -> Iterator[Definition]:
    for row in rows:
        if text := _cell(row, "definition"):
            source = _cell(row, "definition_source") or None
            yield Definition(_language(row), text, source)


def _sources(rows: Sequence[Mapping[str, str]]) -> Iterator[Source]:
    for row in rows:
        title, url = _cell(row, "source"), _cell(row, "source_url") or None
        if title or url:
            yield Source(title or url or "", url)


def _terms(rows: Sequence[Mapping[str, str]]) -> Iterator[Term]:
    """Where no row of the file has a status, the first term of each language is preferred."""
    known: set[str] = set()
    for row in rows:
        text, language = _cell(row, "term"), _language(row)
        if not text:
            continue
        default = "admitted" if language in known else "preferred"
        known.add(language)
        yield Term(
            language,
            text,
            _cell(row, "term_status").lower() or default,
            _cell(row, "part_of_speech") or None,
            _cell(row, "term_note") or None,
        )


def _relations(first: Mapping[str, str]) -> Iterator[Relation]:
    for kind in _RELATIONS:
        for target in _listed(first.get(kind, "")):
            if kind == "same_as" and _URI in target:
                yield Relation(kind, uri=target)
            else:
                yield Relation(kind, target)


def _listed(cell: str) -> Iterator[str]:
    return filter(None, (part.strip() for part in cell.split(";")))


def _metadata(cell: str) -> dict[str, Any]:
    if not cell:
        return {}
    try:
        found = json.loads(cell)
    except (ValueError, RecursionError):
        raise Misshapen("metadata: is no JSON") from None
    if not isinstance(found, dict):
        raise Misshapen("metadata: is no JSON object")
    return found
