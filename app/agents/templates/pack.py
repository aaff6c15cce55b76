"""The packs that come with the service: one YAML file each."""

from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import Field

from app.agents.definitions.documents import read_yaml
from app.agents.templates.body import Body, TemplateExample
from app.agents.templates.content import Content
from app.agents.templates.errors import TemplatePackNotFound
from app.agents.templates.schemas import Category, Description, Language, Slug, Variables
from app.core.schema import Input, Name

FOLDER: Final = Path(__file__).parent / "packs"


class PackEntry(Input):
    """One template of a pack."""

    entry: Slug
    name: Name
    description: Description
    language: Language = "en"
    variables: Variables
    body: Body
    examples: Annotated[list[TemplateExample], Field(min_length=1, max_length=20)]

    @property
    def content(self) -> Content:
        return Content(self.variables, self.body, tuple(self.examples))


class Pack(Input):
    """A new `version` is counted up wherever an entry says something else than before."""

    name: Slug
    version: Annotated[int, Field(ge=1)]
    title: Name
    description: Description
    category: Category
    templates: Annotated[list[PackEntry], Field(min_length=1, max_length=100)]

    def told(self) -> dict[str, Any]:
        """The fields of a TemplatePackRead."""
        return {
            "name": self.name,
            "version": self.version,
            "title": self.title,
            "description": self.description,
            "category": self.category,
            "templates": [
                {
                    "entry": each.entry,
                    "name": each.name,
                    "description": each.description,
                    "kind": each.body.type,
                    "language": each.language,
                }
                for each in self.templates
            ],
        }


@lru_cache(maxsize=1)
def packs() -> dict[str, Pack]:
    """All packs by their names, read once."""
    found = (
        Pack.model_validate(read_yaml(path.read_text("utf-8")))
        for path in sorted(FOLDER.glob("*.yaml"))
    )
    return {each.name: each for each in found}


def pack_of(name: str) -> Pack:
    """Raises TemplatePackNotFound."""
    found = packs().get(name)
    if found is None:
        raise TemplatePackNotFound(f"There are: {', '.join(packs())}.")
    return found
