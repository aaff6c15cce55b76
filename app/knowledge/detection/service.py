"""What a caller may ask of detection."""

from collections.abc import Iterator
from uuid import UUID

from app.core.auth import Access
from app.core.db import AsyncSession
from app.knowledge.detection.detector import Detection
from app.knowledge.detection.policies.service import expect_dictionaries
from app.knowledge.detection.schemas import DetectCreate, DetectRead, OccurrenceRead, SenseRead
from app.knowledge.detection.senses.choosing import Reading
from app.knowledge.dictionary import store


async def dictionaries_of(session: AsyncSession, access: Access, asked: DetectCreate) -> list[UUID]:
    """Whose terms are looked for; raises DictionaryNotFound."""
    if asked.dictionary_ids is None:
        return list(await store.default_dictionaries(session, access.workspace_id))
    named = list(dict.fromkeys(asked.dictionary_ids))
    await expect_dictionaries(session, access.workspace_id, named)
    return named


def shown(asked: DetectCreate, dictionary_ids: list[UUID], found: Detection) -> DetectRead:
    return DetectRead(
        data=list(_occurrences(asked, found)),
        truncated=found.truncated,
        told_by=found.told_by,
        dictionary_ids=dictionary_ids,
    )


def _occurrences(asked: DetectCreate, found: Detection) -> Iterator[OccurrenceRead]:
    for reading in found.readings:
        if asked.include_forbidden or not reading.senses[0].match.term.forbidden:
            yield _occurrence(asked.text, reading)


def _occurrence(text: str, reading: Reading) -> OccurrenceRead:
    span, (first, *others) = reading.span, reading.senses
    term = first.match.term
    return OccurrenceRead(
        start=span.start,
        end=span.end,
        surface=text[span.start : span.end],
        term=term.text,
        term_status=term.status,
        language=term.language,
        entry_id=term.entry_id,
        dictionary_id=term.dictionary_id,
        confidence=round(first.confidence, 4),
        senses=[
            SenseRead(
                entry_id=sense.entry_id,
                dictionary_id=sense.match.term.dictionary_id,
                confidence=round(sense.confidence, 4),
            )
            for sense in others
        ],
    )
