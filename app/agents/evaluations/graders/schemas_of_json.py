"""JSON Schema, as graders and imports use it: other documents are never fetched."""

from typing import Any, Final

MOST_MISTAKES: Final = 5


def mistakes_of(validator: Any, document: Any) -> list[str]:
    """The first mistakes, each with a pointer to where it is."""
    found: list[str] = []
    for error in validator.iter_errors(document):
        where = "/" + "/".join(str(step) for step in error.instance_path)
        found.append(f"{where}: {error.message}"[:300])
        if len(found) == MOST_MISTAKES:
            break
    return found
