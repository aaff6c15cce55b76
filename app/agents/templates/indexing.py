"""What a search finds of a template: its name, its description, and what it says."""

from typing import Final
from uuid import UUID

from app.agents.templates.content import Content, text_of
from app.agents.templates.models import Template
from app.agents.templates.variables import stand_ins
from app.core.db import AsyncSession
from app.knowledge.passages import service as passages
from app.knowledge.passages.draft import Draft, Subject

KIND: Final = "template"
MOST_CHARACTERS: Final = 1000


async def index(
    session: AsyncSession, template: Template, content: Content, author_id: UUID
) -> None:
    """Have a template found as it is now; `author_id` is whoever says so."""
    subject = Subject(
        template.workspace_id, KIND, template.id, created_by_id=author_id, parent_id=template.id
    )
    await passages.put(session, subject, [_draft(template, content)])


async def forget(session: AsyncSession, template: Template) -> None:
    """Have it found no more."""
    await passages.remove(session, template.workspace_id, KIND, template.id)


def _draft(template: Template, content: Content) -> Draft:
    try:
        said = text_of(content, stand_ins(content.variables))
    except ValueError:
        said = ""
    return Draft(
        text="\n".join(filter(None, [template.description, said]))[:MOST_CHARACTERS]
        or template.name,
        title=template.name,
        heading=template.category,
        language=template.language,
    )
