"""What a search finds of an entry: one passage for each of its languages."""

from typing import Any, Final
from uuid import UUID

from app.core.db import AsyncSession
from app.knowledge.dictionary.entries.content import Content
from app.knowledge.dictionary.models import Entry
from app.knowledge.passages import service as passages
from app.knowledge.passages.draft import Draft, Subject

KIND: Final = "entry"


async def index(session: AsyncSession, entry: Entry, content: Content, payer_id: UUID) -> None:
    """Have an entry found as it is now; drafts and deleted ones are not found."""
    if entry.status == "draft" or entry.deleted_at:
        await passages.remove(session, entry.workspace_id, KIND, entry.id)
        return
    subject = Subject(entry.workspace_id, KIND, entry.id, payer_id, parent_id=entry.dictionary_id)
    await passages.put(session, subject, drafts_of(content))


def drafts_of(content: Content) -> list[Draft]:
    """Titles are preferred terms; the text is all terms, then definitions, then examples."""
    named = [*content["terms"], *content["definitions"], *content["examples"]]
    languages = dict.fromkeys(item["language"] for item in named)
    heading = ", ".join(content["subject_fields"])
    return [
        Draft(
            text=_text(content, language),
            title=_title(content["terms"], language),
            heading=heading,
            language=language,
            locator={"language": language},
        )
        for language in languages
    ]


def _title(terms: list[dict[str, Any]], language: str) -> str:
    """The best term there is: in this language if there is one, and one to be used if any is."""
    best = min(
        terms,
        key=lambda term: (
            term["status"] == "forbidden",
            term["language"] != language,
            term["status"] != "preferred",
        ),
    )
    return str(best["text"])


def _text(content: Content, language: str) -> str:
    terms = ", ".join(t["text"] for t in content["terms"] if t["language"] == language)
    told = [*content["definitions"], *content["examples"]]
    return "\n".join(filter(None, [terms, *(t["text"] for t in told if t["language"] == language)]))
