"""Writing templates down: a new one, and new versions of one."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from app.agents.templates import crud, indexing
from app.agents.templates.content import Content, wrong_with
from app.agents.templates.errors import (
    TemplateInvalid,
    TooManyTemplates,
    TooManyTemplateVersions,
)
from app.agents.templates.models import Template, TemplateVersion
from app.core import restorable
from app.core.db import AsyncSession
from app.core.ids import new_id
from app.identity.versioned.naming import slug_of

MOST_TEMPLATES: Final = 2000
MOST_VERSIONS: Final = 1000


@dataclass(frozen=True, slots=True)
class Author:
    """Whose workspace it is, and who writes."""

    workspace_id: UUID
    user_id: UUID


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is known of a template beside what it says."""

    name: str
    description: str = ""
    category: str = "general"
    language: str = "en"
    visibility: str = "workspace"
    slug: str | None = None
    metadata: dict[str, Any] | None = None
    origin: str = "created"
    note: str = ""
    evidence: dict[str, Any] | None = None


async def add(session: AsyncSession, author: Author, sheet: Sheet, content: Content) -> Template:
    """A new template with one version.

    Raises TemplateInvalid, TooManyTemplates and TemplateSlugTaken.
    """
    expect_valid(content)
    await expect_room(session, author.workspace_id)
    made = Template(
        id=new_id(),
        workspace_id=author.workspace_id,
        owner_id=author.user_id,
        name=sheet.name,
        description=sheet.description,
        kind=content.kind,
        category=sheet.category,
        language=sheet.language,
        visibility=sheet.visibility,
        status="draft",
        current_version=1,
        labels={},
        annotations=sheet.metadata or {},
    )
    made.slug = sheet.slug or slug_of(sheet.name, "template", made.id.hex)
    await crud.save(session, made)
    await crud.add(session, _version(made, author.user_id, sheet, content))
    await indexing.index(session, made, content, author.user_id)
    return made


async def add_version(
    session: AsyncSession, template: Template, author_id: UUID, sheet: Sheet, content: Content
) -> TemplateVersion:
    """One more version of a template, which must be locked.

    Raises TemplateInvalid and TooManyTemplateVersions.
    """
    expect_valid(content)
    if template.current_version >= MOST_VERSIONS:
        raise TooManyTemplateVersions(f"A template has at most {MOST_VERSIONS}; duplicate it.")
    template.current_version += 1
    made = _version(template, author_id, sheet, content)
    await crud.add(session, made)
    await indexing.index(session, template, content, author_id)
    return made


def expect_valid(content: Content) -> None:
    """Raises TemplateInvalid."""
    if wrong := wrong_with(content):
        raise TemplateInvalid(wrong)


async def expect_room(session: AsyncSession, workspace_id: UUID) -> None:
    """Raises TooManyTemplates."""
    living = await restorable.count_living(session, Template, workspace_id)
    if living >= MOST_TEMPLATES:
        raise TooManyTemplates(f"A workspace has at most {MOST_TEMPLATES}; delete some.")


def _version(
    template: Template, author_id: UUID, sheet: Sheet, content: Content
) -> TemplateVersion:
    return TemplateVersion(
        id=new_id(),
        workspace_id=template.workspace_id,
        template_id=template.id,
        number=template.current_version,
        created_by_id=author_id,
        origin=sheet.origin,
        note=sheet.note,
        digest=content.digest,
        evidence=sheet.evidence,
        **content.told(),
    )
