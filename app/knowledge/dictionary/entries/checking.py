"""What an entry may not say, whoever says it: double things, and what contradicts itself."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any
from uuid import UUID

from app.core.db import AsyncSession
from app.core.errors import FieldError
from app.knowledge.dictionary.entries import bounds, crud, rings
from app.knowledge.dictionary.entries.content import Content
from app.knowledge.dictionary.errors import EntryInvalid
from app.knowledge.dictionary.models import Entry

MOST_ERRORS = 50
# What tells two items of a list from each other.
_KEYS: dict[str, Callable[[Any], Any]] = {
    "terms": lambda item: (item["language"], item["text"]),
    "definitions": lambda item: (item["language"], item["text"]),
    "examples": lambda item: (item["language"], item["text"]),
    "notes": lambda item: item,
    "sources": lambda item: (item["title"], item["url"]),
    "subject_fields": lambda item: item.casefold(),
    "relations": lambda item: (item["kind"], item["target_id"], item["target_uri"]),
}


def check(content: Content, at: str) -> None:
    """Raises EntryInvalid; its pointers begin with `at`."""
    errors = [
        *_doubles(content, at),
        *_term_doubles(content["terms"], at),
        *_unclear_relations(content["relations"], at),
        *_too_much(content, at),
    ]
    if errors:
        raise EntryInvalid(*errors[:MOST_ERRORS])


def _doubles(content: Content, at: str) -> Iterator[FieldError]:
    for name, key in _KEYS.items():
        seen: dict[Any, int] = {}
        for number, item in enumerate(content[name]):
            first = seen.setdefault(key(item), number)
            if first != number:
                detail = f"says what {at}/{name}/{first} says"
                yield FieldError(f"{at}/{name}/{number}", "duplicate", detail)


def _term_doubles(terms: Sequence[dict[str, Any]], at: str) -> Iterator[FieldError]:
    preferred: dict[str, int] = {}
    ids: dict[str, int] = {}
    for number, term in enumerate(terms):
        if ids.setdefault(term["id"], number) != number:
            yield FieldError(f"{at}/terms/{number}/id", "duplicate", "names a term twice")
        if term["status"] != "preferred":
            continue
        first = preferred.setdefault(term["language"], number)
        if first != number:
            detail = f"{at}/terms/{first} is the preferred term in {term['language']} already"
            yield FieldError(f"{at}/terms/{number}/status", "second_preferred", detail)


def _unclear_relations(relations: Sequence[dict[str, Any]], at: str) -> Iterator[FieldError]:
    for number, relation in enumerate(relations):
        pointer = f"{at}/relations/{number}"
        if bool(relation["target_id"]) == bool(relation["target_uri"]):
            detail = "takes exactly one of target_id and target_uri"
            yield FieldError(pointer, "one_target", detail)
        elif relation["target_uri"] and relation["kind"] != "same_as":
            detail = "only same_as can name a concept elsewhere"
            yield FieldError(f"{pointer}/target_uri", "target_uri_refused", detail)


def _too_much(content: Content, at: str) -> Iterator[FieldError]:
    if _characters(content) > bounds.MOST_CHARACTERS:
        detail = f"an entry holds at most {bounds.MOST_CHARACTERS} characters"
        yield FieldError(at or "/", "too_long", detail)


def _characters(value: Any) -> int:
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        return sum(_characters(each) for each in value.values())
    return sum(_characters(each) for each in value) if isinstance(value, list) else 0


async def check_relations(
    session: AsyncSession, entry: Entry, content: Content, before: Content | None, at: str
) -> None:
    """Check where new relations lead; raises EntryInvalid.

    Those that an entry had before may go on naming an entry that is deleted.
    """
    had = [relation["target_id"] for relation in before["relations"]] if before else []
    targets = [(n, r) for n, r in enumerate(content["relations"]) if r["target_id"]]
    fresh = {UUID(r["target_id"]) for _, r in targets if r["target_id"] not in had}
    known = await crud.living_ids(session, entry.workspace_id, fresh) if fresh else set()
    for number, relation in targets:
        pointer, target = f"{at}/relations/{number}/target_id", UUID(relation["target_id"])
        if target == entry.id:
            raise EntryInvalid(FieldError(pointer, "relation_to_itself", "is the entry itself"))
        if target in fresh and target not in known:
            raise EntryInvalid(FieldError(pointer, "entry_not_found", "no such entry"))
    await _check_ring(session, entry, content, f"{at}/relations")


async def _check_ring(session: AsyncSession, entry: Entry, content: Content, pointer: str) -> None:
    wider, narrower = (
        [UUID(r["target_id"]) for r in content["relations"] if r["kind"] == kind]
        for kind in ("broader", "narrower")
    )
    if not wider and not narrower:
        return
    await rings.lock_relations(session, entry.workspace_id)
    met = await rings.closes_ring(
        session, entry.workspace_id, entry.id, wider=wider, narrower=narrower
    )
    if met is not None:
        detail = f"{met} would be wider than itself"
        raise EntryInvalid(FieldError(pointer, "relation_cycle", detail))


async def check_replacement(
    session: AsyncSession, entry: Entry, replacement_id: UUID, at: str
) -> None:
    """Raises EntryInvalid for one that is not there, or that this entry would replace."""
    pointer = f"{at}/replaced_by_id"
    if not await crud.living_ids(session, entry.workspace_id, [replacement_id]):
        raise EntryInvalid(FieldError(pointer, "entry_not_found", "no such entry"))
    if replacement_id == entry.id or await rings.replaces_itself(
        session, entry.workspace_id, entry.id, replacement_id
    ):
        raise EntryInvalid(FieldError(pointer, "replacement_cycle", "leads back to this entry"))
