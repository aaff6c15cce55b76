"""What an entry says, as plain JSON: the form in which it is compared, kept and shown again."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final
from uuid import UUID

from pydantic import ValidationError

from app.core.errors import FieldError
from app.core.ids import new_id
from app.core.schema import sentence
from app.knowledge.dictionary import texts
from app.knowledge.dictionary.concept import Concept
from app.knowledge.dictionary.draft import EntryDraft
from app.knowledge.dictionary.entries.writes import EntryContent
from app.knowledge.dictionary.errors import EntryInvalid
from app.knowledge.dictionary.models import Entry, Relation, Term

Content = dict[str, Any]

_PLAIN: Final = ("external_id", "subject_fields", "definitions", "examples", "notes", "sources")
TERM: Final = ("language", "text", "status", "part_of_speech", "note")
FIELDS: Final = (*_PLAIN, "metadata", "terms", "relations")


def content_of(concept: Concept) -> Content:
    """What an entry says now."""
    entry = concept.entry
    return {
        **{name: getattr(entry, name) for name in _PLAIN},
        "metadata": entry.labels,
        "terms": [
            {"id": str(term.id), **{name: getattr(term, name) for name in TERM}}
            for term in concept.terms
        ],
        "relations": [
            {
                "kind": relation.kind,
                "target_id": str(relation.target_id) if relation.target_id else None,
                "target_uri": relation.target_uri,
            }
            for relation in concept.relations
        ],
    }


def content_of_draft(draft: EntryDraft, at: str, known: Content | None = None) -> Content:
    """What a draft says, checked field by field; `known` is what stays where it says nothing.

    Raises EntryInvalid, whose pointers begin with `at`.
    """
    told = asdict(draft)
    labels = told.pop("labels")
    told["metadata"] = labels if labels is not None else (known or {}).get("metadata", {})
    if draft.relations is None:
        told["relations"] = (known or {}).get("relations", [])
    del told["status"], told["replaced_by_id"]
    try:
        return EntryContent.model_validate(told).model_dump(mode="json")
    except ValidationError as error:
        raise EntryInvalid(
            *(
                FieldError(_pointer(at, each["loc"]), each["type"], sentence(each["msg"]))
                for each in error.errors(include_url=False, include_input=False)[:50]
            )
        ) from error


def with_ids(content: Content, terms: Sequence[Term], at: str) -> Content:
    """Give each term of a content the id of the entry's own that it means, or a new one.

    Raises EntryInvalid for an id that is no term of the entry.
    """
    own = {str(term.id) for term in terms}
    free = {(term.language, term.text): str(term.id) for term in terms}
    named = {term["id"] for term in content["terms"] if term["id"]}
    free = {key: term_id for key, term_id in free.items() if term_id not in named}
    for number, term in enumerate(content["terms"]):
        if not term["id"]:
            term["id"] = free.pop((term["language"], term["text"]), None) or str(new_id())
        elif term["id"] not in own:
            pointer = f"{at}/terms/{number}/id"
            raise EntryInvalid(FieldError(pointer, "unknown_term", "no term of this entry"))
    return content


def fill(entry: Entry, content: Content) -> None:
    """Have an entry say this; its terms and relations are rows of their own."""
    for name in _PLAIN:
        setattr(entry, name, content[name])
    entry.labels = content["metadata"]
    entry.languages = sorted({term["language"] for term in content["terms"]})
    entry.words = "\n".join(
        [term["text"] for term in content["terms"]]
        + [definition["text"] for definition in content["definitions"]]
    )


def fill_term(term: Term, told: Mapping[str, Any], ordinal: int) -> Term:
    for name in TERM:
        setattr(term, name, told[name])
    term.ordinal, term.folded = ordinal, texts.fold(told["text"])
    return term


def relation_of(entry: Entry, told: Mapping[str, Any], ordinal: int) -> Relation:
    return Relation(
        id=new_id(),
        workspace_id=entry.workspace_id,
        entry_id=entry.id,
        ordinal=ordinal,
        kind=told["kind"],
        target_id=UUID(told["target_id"]) if told["target_id"] else None,
        target_uri=told["target_uri"],
    )


def _pointer(at: str, location: Sequence[str | int]) -> str:
    return at + "".join(f"/{step}" for step in location)
