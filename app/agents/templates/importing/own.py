"""Our own templates as documents, there and back."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from app.agents.templates.importing.found import FoundTemplate, FoundVersion, NotATemplate
from app.agents.templates.models import Template, TemplateVersion

FORMAT: Final = "luminous.template/1"


def written(template: Template, versions: Sequence[TemplateVersion]) -> dict[str, Any]:
    """A template with all its versions."""
    return {
        "format": FORMAT,
        "id": str(template.id),
        "name": template.name,
        "slug": template.slug,
        "description": template.description,
        "kind": template.kind,
        "category": template.category,
        "language": template.language,
        "labels": template.labels,
        "metadata": template.annotations,
        "versions": [
            {
                "number": each.number,
                "note": each.note,
                "digest": each.digest,
                "variables": each.variables,
                "body": each.body,
                "examples": each.examples,
                "evidence": each.evidence,
            }
            for each in versions
        ],
    }


def is_own(document: Mapping[str, Any]) -> bool:
    return str(document.get("format", "")).startswith("luminous.template/")


def read_own(document: Mapping[str, Any]) -> FoundTemplate:
    """Raises NotATemplate."""
    if document["format"] != FORMAT:
        raise NotATemplate(f"The format {document['format']!r} is not known; {FORMAT} is.")
    versions = document.get("versions")
    if not isinstance(versions, list) or not versions:
        raise NotATemplate("It has no `versions`.")
    known, labels, metadata = (document.get(name) for name in ("id", "labels", "metadata"))
    return FoundTemplate(
        f"luminous:{known}"[:200] if known else "",
        str(document.get("name") or "").strip()[:200] or "Imported template",
        [_version(each, position) for position, each in enumerate(versions, 1)],
        description=str(document.get("description") or "")[:2000],
        category=_text(document.get("category")),
        language=_text(document.get("language")) or "en",
        labels={
            str(name): number
            for name, number in (labels if isinstance(labels, dict) else {}).items()
            if isinstance(number, int)
        },
        metadata=metadata if isinstance(metadata, dict) else {},
    )


def _version(told: Any, position: int) -> FoundVersion:
    if not isinstance(told, dict):
        raise NotATemplate(f"Version {position} is no object.")
    number, evidence = told.get("number"), told.get("evidence")
    return FoundVersion(
        {name: told.get(name) for name in ("variables", "body", "examples")},
        number if isinstance(number, int) else position,
        str(told.get("note") or "")[:500],
        evidence if isinstance(evidence, dict) else None,
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
