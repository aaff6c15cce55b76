"""What was found, as it is told."""

from typing import Any, Final

from app.knowledge.passages.draft import CONFIGS
from app.knowledge.passages.models import Passage
from app.knowledge.search.question import DOCUMENT, ENTRY, MESSAGE, Findings, Found, Mode
from app.knowledge.search.schemas_read import SearchResults

LANGUAGES: Final = {config: language for language, config in CONFIGS.items()}


def results(mode: Mode, findings: Findings) -> SearchResults:
    return SearchResults.model_validate(
        {
            "mode": mode,
            "data": [told(each) for each in findings.found],
            "warnings": findings.warnings,
        }
    )


def told(found: Found) -> dict[str, Any]:
    """A hit as its schema has it."""
    passage = found.passage
    return {
        "kind": passage.kind,
        "passage_id": passage.id,
        "score": found.score,
        "scores": found.scores,
        "title": passage.title,
        "heading": passage.heading,
        "text": passage.text,
        "language": LANGUAGES.get(passage.config),
        "fragment": found.fragment,
        "created_at": passage.created_at,
        **_of_kind(passage),
    }


def citation(passage: Passage) -> dict[str, Any]:
    """Where a document's passage stands."""
    locator = passage.locator
    return {
        "document_id": passage.subject_id,
        "collection_id": passage.parent_id,
        **{name: _number(locator.get(name)) for name in ("version", "page", "start", "end")},
    }


def _of_kind(passage: Passage) -> dict[str, Any]:
    if passage.kind == DOCUMENT:
        return {"citation": citation(passage)}
    if passage.kind == ENTRY:
        return {"entry_id": passage.subject_id, "dictionary_id": passage.parent_id}
    if passage.kind == MESSAGE:
        return {"message_id": passage.subject_id, "conversation_id": passage.parent_id}
    return {f"{passage.kind}_id": passage.subject_id}


def _number(value: object) -> int | None:
    return value if isinstance(value, int) else None
