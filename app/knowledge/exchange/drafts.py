"""Concepts of the termbase as they travel, and back."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Protocol, TypeVar, cast
from uuid import UUID

from app.core.errors import FieldError
from app.knowledge.dictionary import draft, texts
from app.knowledge.dictionary.concept import Concept as Kept
from app.knowledge.dictionary.errors import EntryInvalid
from app.knowledge.exchange.concept import (
    STATUSES,
    Concept,
    Definition,
    Example,
    Relation,
    Source,
    Term,
)


class Spoken(Protocol):
    """What is said in one language."""

    @property
    def language(self) -> str: ...


T = TypeVar("T", bound=Spoken)
Told = TypeVar("Told", Term, Definition, Example)


def of_entry(kept: Kept) -> Concept:
    """An entry as it travels: others are called by their ids."""
    entry = kept.entry
    return Concept(
        id=str(entry.id),
        external_id=entry.external_id,
        status=entry.status,
        subject_fields=tuple(entry.subject_fields),
        definitions=tuple(Definition(**each) for each in entry.definitions),
        examples=tuple(Example(**each) for each in entry.examples),
        notes=tuple(entry.notes),
        sources=tuple(Source(**each) for each in entry.sources),
        terms=tuple(
            Term(each.language, each.text, each.status, each.part_of_speech, each.note)
            for each in kept.terms
        ),
        relations=tuple(
            Relation(each.kind, str(each.target_id) if each.target_id else None, each.target_uri)
            for each in kept.relations
        ),
        replaced_by=str(entry.replaced_by_id) if entry.replaced_by_id else None,
        metadata=entry.labels,
    )


def draft_of(
    concept: Concept, status: str, targets: Mapping[str, UUID], *, related: bool = True
) -> draft.EntryDraft:
    """What is to be written. `targets` are the entries that the concept's names mean.

    Without `related` it is written as one that leads nowhere yet. Raises EntryInvalid.
    """
    if status not in STATUSES:
        wrong = f"{status[:100]!r} is none; there are {', '.join(STATUSES)}"
        raise EntryInvalid(FieldError("/status", "unknown_status", wrong))
    relations = tuple(
        draft.RelationDraft(
            cast("draft.RelationKind", each.kind),
            targets[each.target] if each.target else None,
            each.uri,
        )
        for each in concept.relations
        if each.target is None or each.target in targets
    )
    replaced_by = targets.get(concept.replaced_by) if concept.replaced_by else None
    return draft.EntryDraft(
        terms=tuple(
            draft.TermDraft(
                each.language,
                each.text,
                cast("draft.TermStatus", each.status),
                each.part_of_speech,
                each.note,
            )
            for each in concept.terms
        ),
        definitions=concept.definitions,
        examples=concept.examples,
        notes=concept.notes,
        sources=concept.sources,
        subject_fields=concept.subject_fields,
        relations=relations if related else (),
        labels=dict(concept.metadata),
        external_id=concept.external_id,
        status=status,
        replaced_by_id=replaced_by if related else None,
    )


def canonical(concept: Concept) -> Concept:
    """With its languages as the dictionary writes them; what is no tag stays, to be refused."""
    return replace(
        concept,
        terms=tuple(map(_in_canonical_language, concept.terms)),
        definitions=tuple(map(_in_canonical_language, concept.definitions)),
        examples=tuple(map(_in_canonical_language, concept.examples)),
    )


def _in_canonical_language(told: Told) -> Told:
    try:
        return replace(told, language=texts.language_tag(told.language))
    except ValueError:
        return told


def targets_of(concept: Concept) -> set[str]:
    """What a concept calls the others that it leads to."""
    named = {each.target for each in concept.relations}
    return {name for name in (*named, concept.replaced_by) if name is not None}


def merged(known: Concept, told: Concept) -> Concept:
    """What is known of a concept, with what a file tells of it; what it leaves out stays.

    Terms, definitions and examples are told by language; the labels of `metadata` one by one.
    """
    return replace(
        told,
        external_id=told.external_id if told.external_id is not None else known.external_id,
        status=told.status or known.status,
        subject_fields=told.subject_fields or known.subject_fields,
        definitions=_by_language(known.definitions, told.definitions),
        examples=_by_language(known.examples, told.examples),
        notes=told.notes or known.notes,
        sources=told.sources or known.sources,
        terms=_by_language(known.terms, told.terms),
        relations=told.relations or known.relations,
        replaced_by=told.replaced_by or known.replaced_by,
        metadata={**known.metadata, **told.metadata},
    )


def _by_language(known: Sequence[T], told: Sequence[T]) -> tuple[T, ...]:
    languages = {each.language for each in told}
    return (*told, *(each for each in known if each.language not in languages))


def only(concept: Concept, languages: Collection[str]) -> Concept | None:
    """What it says in these languages; None where it has no term in any of them."""
    if not languages:
        return concept
    terms = tuple(each for each in concept.terms if each.language in languages)
    if not terms:
        return None
    return replace(
        concept,
        terms=terms,
        definitions=tuple(each for each in concept.definitions if each.language in languages),
        examples=tuple(each for each in concept.examples if each.language in languages),
    )
