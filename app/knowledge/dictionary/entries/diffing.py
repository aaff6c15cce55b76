"""What differs between two versions of an entry."""

from collections.abc import Iterator
from typing import Any, Final

from app.knowledge.dictionary.entries.reads import FieldChange

WHOLE: Final = (
    "status",
    "external_id",
    "replaced_by_id",
    "deleted",
    "subject_fields",
    "definitions",
    "examples",
    "notes",
    "sources",
    "relations",
    "metadata",
)


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[FieldChange]:
    """From one snapshot to another: fields as wholes, terms each by its id."""
    whole = [
        FieldChange(field=name, term_id=None, before=before[name], after=after[name])
        for name in WHOLE
        if before[name] != after[name]
    ]
    return [*whole, *_of_terms(before["terms"], after["terms"])]


def _of_terms(before: list[Any], after: list[Any]) -> Iterator[FieldChange]:
    was = {term["id"]: term for term in before}
    now = {term["id"]: term for term in after}
    for term_id in dict.fromkeys([*was, *now]):
        if was.get(term_id) != now.get(term_id):
            yield FieldChange(
                field="terms",
                term_id=term_id,
                before=was.get(term_id),
                after=now.get(term_id),
            )
    # Where terms are only taken away, and others put behind the last, their order tells itself.
    expected = [*(each for each in was if each in now), *(each for each in now if each not in was)]
    if expected != list(now):
        yield FieldChange(field="term_order", term_id=None, before=list(was), after=list(now))
