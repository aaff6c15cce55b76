"""Versions of a template: going back, comparing, naming, publishing."""

from typing import Any, Final
from uuid import UUID

from app.agents.definitions.changes import differences
from app.agents.definitions.version_schemas import DiffQuery
from app.agents.templates import keeping, service
from app.agents.templates.content import content_of
from app.agents.templates.errors import (
    TemplateInvalid,
    TemplateLabelNotFound,
    TemplateScoreLow,
)
from app.agents.templates.keeping import Sheet
from app.agents.templates.models import Template, TemplateVersion
from app.agents.templates.schemas import (
    Chosen,
    TemplatePublish,
    TemplateRollback,
)
from app.agents.templates.schemas_read import TemplateDetail
from app.core.auth import Access
from app.core.db import AsyncSession
from app.core.errors import FieldError
from app.core.versions import match

DRAFT: Final = "draft"
PRODUCTION: Final = "production"
MOST_LABELS: Final = 32
MOST_CHANGES: Final = 500


async def chosen(session: AsyncSession, template: Template, wanted: Chosen) -> TemplateVersion:
    """The version that is meant; raises TemplateVersionNotFound and TemplateLabelNotFound."""
    if wanted.version is not None:
        return await service.version_of(session, template, wanted.version)
    label = wanted.label or (PRODUCTION if PRODUCTION in template.labels else DRAFT)
    return await service.version_of(session, template, number_of(template, label))


def number_of(template: Template, label: str) -> int:
    """The version that a label names; raises TemplateLabelNotFound."""
    if label == DRAFT:
        return template.current_version
    number: int | None = template.labels.get(label)
    if number is None:
        raise TemplateLabelNotFound(f"No version has the label `{label}`.")
    return number


async def compare(
    session: AsyncSession, access: Access, template_id: UUID, query: DiffQuery
) -> dict[str, Any]:
    """The fields of a TemplateDiff; raises TemplateNotFound and TemplateVersionNotFound."""
    template = await service.get(session, access, template_id)
    to = query.to_version or template.current_version
    since = query.from_version or max(1, to - 1)
    old, new = [
        content_of(await service.version_of(session, template, number)).told()
        for number in (since, to)
    ]
    changes = list(differences(old, new))[:MOST_CHANGES]
    return {"from_version": since, "to_version": to, "changes": changes}


async def rollback(
    session: AsyncSession, access: Access, template_id: UUID, wanted: TemplateRollback
) -> TemplateDetail:
    """Have a new version say what an earlier one said."""
    template = await service.get(session, access, template_id, to="write", for_update=True)
    await match(session, template)
    old = await service.version_of(session, template, wanted.version)
    content = content_of(old)
    note = wanted.note or f"As in version {old.number}."
    sheet = Sheet(template.name, origin="rollback", note=note, evidence=old.evidence)
    await keeping.add_version(session, template, access.user_id, sheet, content)
    await session.flush()
    await session.refresh(template)
    return service.detail(template, content)


async def set_label(
    session: AsyncSession, access: Access, template_id: UUID, label: str, number: int
) -> TemplateDetail:
    """Have a label name a version. `draft` is always the newest, and cannot be set."""
    template = await service.get(session, access, template_id, to="write", for_update=True)
    await match(session, template)
    if label == DRAFT or (label not in template.labels and len(template.labels) >= MOST_LABELS):
        detail = f"`draft` is always the newest; at most {MOST_LABELS} others can be set"
        raise TemplateInvalid([FieldError("/path/label", TemplateInvalid.code, detail)])
    version = await service.version_of(session, template, number)
    template.labels = {**template.labels, label: version.number}
    await session.flush()
    await session.refresh(template)
    return await service.detailed(session, template)


async def drop_label(session: AsyncSession, access: Access, template_id: UUID, label: str) -> None:
    """Raises TemplateLabelNotFound."""
    template = await service.get(session, access, template_id, to="write", for_update=True)
    await match(session, template)
    if label not in template.labels:
        raise TemplateLabelNotFound(f"No version has the label `{label}`.")
    template.labels = {name: at for name, at in template.labels.items() if name != label}
    await session.flush()


async def publish(
    session: AsyncSession, access: Access, template_id: UUID, wanted: TemplatePublish
) -> TemplateDetail:
    """Have `production` name a version that is valid, and good enough where that is asked for.

    Raises TemplateInvalid and TemplateScoreLow.
    """
    template = await service.get(session, access, template_id, to="write", for_update=True)
    await match(session, template)
    number = wanted.version or template.current_version
    version = await service.version_of(session, template, number)
    keeping.expect_valid(content_of(version))
    if wanted.min_score is not None and (version.score or 0) < wanted.min_score:
        said = "none" if version.score is None else f"{version.score:.2f}"
        raise TemplateScoreLow(f"Its score is {said}; {wanted.min_score} was asked for.")
    template.labels = {**template.labels, PRODUCTION: number}
    template.status = "published"
    await session.flush()
    await session.refresh(template)
    return await service.detailed(session, template)
