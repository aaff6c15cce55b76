"""Prompts that are kept as templates, as targets are asked with them."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from app.agents.evaluations.experiments.errors import TargetNotReady
from app.agents.templates import service, using, versions
from app.agents.templates.body import PromptBody
from app.agents.templates.content import content_of
from app.agents.templates.errors import TemplateArchived
from app.agents.templates.models import Template, TemplateVersion
from app.agents.templates.schemas import Chosen
from app.agents.templates.variables import declared
from app.core.auth import Access
from app.core.db import AsyncSession, Database


class TemplatePrompts:
    """A case's values are those of the variables that the template declares.

    Where `input` is none of them, what the case asks is said by the user after the template.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def version_of(
        self, access: Access, template: str, version: int | None, label: str | None
    ) -> tuple[UUID, int]:
        """Raises TemplateArchived, and what templates raise."""
        async with self._database.unit(access.scope) as session:
            found, chosen = await _chosen(session, access, template, version, label)
            return found.id, chosen.number

    async def messages(
        self,
        access: Access,
        template: str,
        version: int | None,
        label: str | None,
        variables: Mapping[str, Any],
    ) -> list[dict[str, str]]:
        """Raises TargetNotReady for what is no prompt, and what templates raise."""
        async with self._database.unit(access.scope) as session:
            _, chosen = await _chosen(session, access, template, version, label)
            content = content_of(chosen)
        if not isinstance(content.body, PromptBody):
            raise TargetNotReady("The template is no prompt.")
        known = declared(content.variables)
        given = {name: value for name, value in variables.items() if name in known}
        said = using.said_by(content.body, using.completed(content, given))
        if "input" not in known:
            said = [*said, {"role": "user", "content": str(variables["input"])}]
        return said


async def _chosen(
    session: AsyncSession, access: Access, template: str, version: int | None, label: str | None
) -> tuple[Template, TemplateVersion]:
    found = await service.named(session, access, template)
    if found.status == "archived":
        raise TemplateArchived("Publish it to use it again.")
    return found, await versions.chosen(session, found, Chosen(version=version, label=label))
