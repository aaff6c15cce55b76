"""A file's text as documents: JSON, JSON lines or YAML."""

from typing import Any, Final

from app.agents.definitions.documents import Unreadable, read_json, read_yaml
from app.agents.templates.errors import TemplateFileInvalid

MOST_DOCUMENTS: Final = 500


def documents_in(text: str) -> list[dict[str, Any]]:
    """The objects that a file holds, lists and pages of lists taken apart.

    Raises TemplateFileInvalid.
    """
    try:
        found = [each for value in _values(text.strip()) for each in _apart(value)]
    except Unreadable as error:
        raise TemplateFileInvalid(str(error)) from None
    if not found:
        raise TemplateFileInvalid("it holds no JSON or YAML objects")
    if len(found) > MOST_DOCUMENTS:
        raise TemplateFileInvalid(f"it holds more than {MOST_DOCUMENTS} objects; cut it up")
    return found


def _apart(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, list):
        return [each for item in value for each in _apart(item)]
    if not isinstance(value, dict):
        return []
    for name in ("templates", "prompts", "data"):
        if isinstance(value.get(name), list):
            return _apart(value[name])
    return [value]


def _values(text: str) -> list[Any]:
    if text[:1] not in ("{", "["):
        return [read_yaml(text)]
    try:
        return [read_json(text)]
    except Unreadable:
        lines = [line for line in text.splitlines() if line.strip()]
        if len(lines) < 2:
            raise
    return [_line(number, line) for number, line in enumerate(lines, 1)]


def _line(number: int, line: str) -> Any:
    try:
        return read_json(line)
    except Unreadable as error:
        raise Unreadable(f"line {number}: {error}") from None
