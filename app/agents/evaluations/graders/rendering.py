"""Templates of graders and prompts: `{{ item.question }}`.

Names, with members by a dot or by an index, are what Jinja, Mustache and OpenAI's evals write
alike; what is no text is put in as JSON. A template with more in it is rendered by the sandbox of
agents' instructions.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from app.agents.evaluations.graders.sample import as_text

MOST_CHARACTERS: Final = 200_000
PLACE: Final = re.compile(r"\{\{([^{}]*)\}\}")
PATH: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_-]+|\[[0-9]{1,6}\]|\['[^']*'\])*")
STEP: Final = re.compile(r"\.?([A-Za-z0-9_-]+)|\[([0-9]{1,6})\]|\['([^']*)'\]")


class TemplateInvalid(ValueError):
    """What is wrong with a template, or with what it was given."""


def check(template: str) -> None:
    """Raises TemplateInvalid for what is no template."""
    if not _is_plain(template):
        _sandboxed(template, None)


def render(template: str, known: Mapping[str, Any]) -> str:
    """The text; raises TemplateInvalid where a name is unknown, or the text becomes too long."""
    if not _is_plain(template):
        return _sandboxed(template, known)
    written, length, end = [], 0, 0
    for place in PLACE.finditer(template):
        written += [template[end : place.start()], as_text(value_of(place[1].strip(), known))]
        end = place.end()
        length += len(written[-1]) + len(written[-2])
        if length > MOST_CHARACTERS:
            raise TemplateInvalid(f"the text would have more than {MOST_CHARACTERS} characters")
    return "".join([*written, template[end:]])


def _is_plain(template: str) -> bool:
    if "{%" in template or "{#" in template:
        return False
    return all(PATH.fullmatch(place[1].strip()) for place in PLACE.finditer(template))


def _sandboxed(template: str, known: Mapping[str, Any] | None) -> str:
    from app.agents.definitions.templates import (  # noqa: PLC0415 - Jinja is not needed at start
        TemplateUnfit,
        names_in,
        rendered,
    )

    try:
        if known is None:
            names_in(template)
            return ""
        return rendered(template, known)
    except TemplateUnfit as error:
        raise TemplateInvalid(str(error)) from None


def value_of(path: str, known: Mapping[str, Any]) -> Any:
    """What a name stands for; raises TemplateInvalid."""
    node: Any = known
    for step in STEP.finditer(path):
        name, index, quoted = step.groups()
        try:
            node = node[int(index)] if index is not None else _member(node, quoted or name)
        except (KeyError, IndexError, TypeError):
            raise TemplateInvalid(f"`{path}` is not known") from None
    return node


def _member(node: Any, name: str) -> Any:
    if isinstance(node, list) and name.isdigit():
        return node[int(name)]
    return node[name]
