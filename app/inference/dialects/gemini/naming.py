"""Field names as Google takes them: in camel case and in snake case alike."""

import re
from typing import Any, Final

UNDERSCORE: Final = re.compile(r"_([a-z0-9])")
# What stands below these is the caller's own, or a schema, which is read for itself.
OPAQUE: Final = frozenset({
    "args", "response", "parameters", "parametersJsonSchema", "responseSchema",
    "responseJsonSchema", "labels", "partMetadata",
})  # fmt: skip


def camel(name: str) -> str:
    return UNDERSCORE.sub(lambda found: found[1].upper(), name) if "_" in name else name


def camelled(value: Any) -> Any:
    """The document with all names of fields in camel case, and all values as they are."""
    if isinstance(value, list):
        return [camelled(item) for item in value]
    if not isinstance(value, dict):
        return value
    named = ((camel(name), held) for name, held in value.items())
    return {name: held if name in OPAQUE else camelled(held) for name, held in named}
