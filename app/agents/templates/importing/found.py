"""What a file holds, whatever its format: templates with their versions."""

from dataclasses import dataclass, field
from typing import Any

from app.core.errors import Unprocessable


class NotATemplate(Unprocessable):
    """Why an object of a file is left out."""

    code = "template_not_importable"
    title = "This is no template that can be imported"


@dataclass(slots=True)
class FoundVersion:
    """`content` is a version's variables, body and examples, as JSON."""

    content: dict[str, Any]
    number: int = 1
    note: str = ""
    evidence: dict[str, Any] | None = None


@dataclass(slots=True)
class FoundTemplate:
    """`labels` names versions by their numbers in the file."""

    source_id: str
    name: str
    versions: list[FoundVersion]
    description: str = ""
    category: str | None = None
    language: str = "en"
    labels: dict[str, int] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
