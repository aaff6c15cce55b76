"""An OpenAPI document, read: JSON or YAML, bounded, without aliases."""

import re
from collections.abc import Mapping
from typing import Any, Final

import orjson

from app.agents.custom_tools.errors import OpenApiUnreadable
from app.core.errors import FieldError
from app.core.json_limits import MAX_DEPTH

MOST_JSON_BYTES: Final = 8 * 1024 * 1024
# YAML takes a hundred times as long to read, and holds everything up meanwhile.
MOST_YAML_BYTES: Final = 1024 * 1024
MOST_YAML_EVENTS: Final = 150_000
_POSITION: Final = re.compile("[0-9]{1,9}")


def read(text: str) -> dict[str, Any]:
    """Raises OpenApiUnreadable; takes a while for a long one, so call it beside the loop."""
    try:
        whole = _plain(_json(text) if text.lstrip()[:1] in ("{", "[") else _yaml(text))
    except RecursionError:
        raise unreadable("It is nested too deeply.") from None
    version = str(whole.get("openapi", "")) if isinstance(whole, dict) else ""
    if not isinstance(whole, dict) or not version.startswith(("3.0", "3.1")):
        raise unreadable("Its `openapi` must be 3.0 or 3.1; Swagger 2 is not read.")
    if not isinstance(whole.get("paths"), dict):
        raise unreadable("It has no `paths`.")
    return whole


def _json(text: str) -> Any:
    if len(text) > MOST_JSON_BYTES:
        raise unreadable(f"It is larger than {MOST_JSON_BYTES // 1024**2} MiB.")
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise unreadable(f"It is no JSON: {error}") from None


def _yaml(text: str) -> Any:
    import yaml  # type: ignore[import-untyped]  # noqa: PLC0415 - not needed at start

    if len(text) > MOST_YAML_BYTES:
        raise unreadable(f"As YAML it may have {MOST_YAML_BYTES // 1024**2} MiB; send JSON.")
    try:
        depth = 0
        # What a short text can make endless is refused before anything is built of it.
        for number, event in enumerate(yaml.parse(text, Loader=yaml.CSafeLoader)):
            if number > MOST_YAML_EVENTS:
                raise unreadable("It is too long as YAML; send JSON.")
            if isinstance(event, yaml.AliasEvent):
                raise unreadable("YAML aliases are not read.")
            opens = isinstance(event, yaml.CollectionStartEvent)
            depth += opens - isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                raise unreadable(f"It is nested deeper than {MAX_DEPTH}.")
        return yaml.load(text, Loader=yaml.CSafeLoader)
    except (yaml.YAMLError, ValueError) as error:
        said = " ".join(str(error).split())[:300]
        raise unreadable(f"It is no YAML that can be read: {said}") from None


def _plain(value: Any) -> Any:
    """As it can be kept: names are texts, dates as they are written, and no text has a NUL."""
    if isinstance(value, dict):
        return {_text(str(name)): _plain(child) for name, child in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(child) for child in value]
    if value is None or isinstance(value, int | float):
        return value
    return _text(str(value))


def _text(text: str) -> str:
    return text.replace("\x00", "").encode(errors="replace").decode()


def unreadable(detail: str) -> OpenApiUnreadable:
    said = detail.rstrip(".")
    return OpenApiUnreadable(
        detail, errors=(FieldError("/body/document", OpenApiUnreadable.code, said),)
    )


def find(document: Mapping[str, Any], reference: str) -> Any:
    """What a local reference (`#/components/…`) names; raises LookupError."""
    if not reference.startswith("#/"):
        raise LookupError(f"`{reference[:200]}` is in another document")
    value: Any = document
    for step in reference[2:].split("/"):
        name = step.replace("~1", "/").replace("~0", "~").replace("%7B", "{").replace("%7D", "}")
        if isinstance(value, list) and _POSITION.fullmatch(name) and int(name) < len(value):
            value = value[int(name)]
        elif isinstance(value, dict) and name in value:
            value = value[name]
        else:
            raise LookupError(f"`{reference[:200]}` is not in the document")
    return value


def followed(document: Mapping[str, Any], value: Any) -> dict[str, Any]:
    """An object, or what its `$ref` leads to; raises LookupError."""
    for _ in range(16):
        if not isinstance(value, dict):
            raise LookupError("no object where one belongs")  # noqa: TRY004 - of the document
        if not isinstance(value.get("$ref"), str):
            return value
        value = find(document, value["$ref"])
    raise LookupError("references lead in a circle")
