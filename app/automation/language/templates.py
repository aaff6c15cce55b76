"""Templates: JSON in whose strings `{{ CEL }}` stands for a value."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from app.automation.language.cel.budget import LIGHT
from app.automation.language.cel.functions import dumped
from app.automation.language.cel.tokens import TOKEN
from app.automation.language.cel.values import weight
from app.automation.language.expressions import LONGEST, Expression, ExpressionUnfit, compiled
from app.automation.language.faults import StepFault
from app.automation.language.marks import JINJA, NONE, URL, Mark, Marks
from app.automation.language.prompts import rendered_prompt
from app.automation.language.urls import url_of

OPENED: Final = "{{"
CLOSED: Final = "}}"
TOO_LARGE: Final = "template_too_large"
MOST: Final = 8 * 1024 * 1024
"""Characters and values that a rendering may have, if nothing else is said."""
_MOST_PIECES: Final = 400
_WIDEST: Final = LONGEST + 100
_QUOTES: Final = frozenset({"'", '"'})
_EMPTY: Final = frozenset({"''", '""'})
# Longer ones are read anew each time, rather than kept.
_SHORT: Final = 4000


class TemplateUnfit(ValueError):
    """What is wrong with a template, in a sentence."""


def rendered(
    template: Any, names: Mapping[str, Any], most: int = MOST, marks: Marks | None = None
) -> Any:
    """The template with its values; a string that is one expression is its typed value.

    What `marks` says of a field holds. It has no list or object in common with the template.
    Raises StepFault `expression_failed`, `prompt_failed` and `template_too_large`.
    """
    return _Rendering(names, most).of(template, marks or {})


@dataclass(frozen=True, slots=True)
class Found:
    """A string of a template that is one, with its pointer and kind."""

    pointer: str
    kind: str
    text: str
    mark: Mark | None = None


def templates_in(template: Any, pointer: str = "", marks: Marks | None = None) -> Iterator[Found]:
    """Its strings that are templates: `cel` (bare), `jinja`, or `text`, `url` (`{{ CEL }}`)."""
    if isinstance(template, str):
        if OPENED in template:
            yield Found(pointer, "text", template)
    elif isinstance(template, list):
        for place, value in enumerate(template):
            yield from templates_in(value, f"{pointer}/{place}", marks)
    elif isinstance(template, Mapping):
        for key, value in template.items():
            below = f"{pointer}/{escaped(key)}"
            yield from _in_field(value, below, marks.get(key) if marks else None)


def _in_field(template: Any, pointer: str, mark: Mark | Marks | None) -> Iterator[Found]:
    if not isinstance(mark, Mark):
        yield from templates_in(template, pointer, mark)
    elif mark.kind != NONE and isinstance(template, str):
        yield Found(pointer, mark.kind, template, mark)


def escaped(key: str) -> str:
    """A key as a step of a JSON pointer."""
    return key.replace("~", "~0").replace("/", "~1")


def copied(value: Any) -> Any:
    """JSON with lists and objects of its own, which may be changed."""
    if isinstance(value, dict):
        return {key: copied(each) for key, each in value.items()}
    if isinstance(value, list):
        return [copied(each) for each in value]
    return value


def holds_template(value: Any) -> bool:
    """Whether an expression stands in it anywhere."""
    if isinstance(value, str):
        return OPENED in value
    if isinstance(value, Mapping):
        return any(holds_template(each) for each in value.values())
    return isinstance(value, list) and any(holds_template(each) for each in value)


class Source(str):
    """An expression's text, among texts that are none."""

    __slots__ = ()


def pieces_of(text: str) -> tuple[str, ...]:
    """Texts, and the expressions between them as Source; raises TemplateUnfit."""
    pieces: list[str] = []
    end = 0
    while (start := text.find(OPENED, end)) >= 0:
        if start > end:
            pieces.append(text[end:start])
        end = _end_of(text, start + len(OPENED))
        pieces.append(Source(text[start + len(OPENED) : end - len(CLOSED)].strip()))
        if len(pieces) > _MOST_PIECES:
            raise TemplateUnfit(f"it has more than {_MOST_PIECES} parts")
    if end < len(text):
        pieces.append(text[end:])
    return tuple(pieces)


def _end_of(text: str, start: int) -> int:
    """Where the expression from `start` is over: braces and texts within it are its own."""
    depth, place = 0, start
    last = min(len(text), start + _WIDEST)
    while place < last:
        if not depth and text.startswith(CLOSED, place):
            return place + len(CLOSED)
        match = TOKEN.match(text, place, last)
        word = match[0] if match else text[place]
        if word in _QUOTES or (word in _EMPTY and text.startswith(word[0], place + 2)):
            raise TemplateUnfit(f"after `{{{{`, a text is never closed by {word}")
        depth += (word in ("(", "[", "{")) - (word in (")", "]", "}"))
        place += len(word)
    if last < len(text):
        raise TemplateUnfit(f"`{{{{` is not closed by `}}}}` within {LONGEST} characters")
    raise TemplateUnfit("`{{` is never closed by `}}`")


def _ready(text: str) -> tuple[str | Expression, ...]:
    """Raises StepFault."""
    return _short_ready(text) if len(text) <= _SHORT else _made_ready(text)


@lru_cache(maxsize=4096)
def _short_ready(text: str) -> tuple[str | Expression, ...]:
    return _made_ready(text)


def _made_ready(text: str) -> tuple[str | Expression, ...]:
    try:
        return tuple(
            compiled(piece) if isinstance(piece, Source) else piece for piece in pieces_of(text)
        )
    except (TemplateUnfit, ExpressionUnfit) as error:
        said = f"The template cannot be read: {error}."
        raise StepFault("expression_failed", said) from None


class _Rendering:
    def __init__(self, names: Mapping[str, Any], most: int) -> None:
        self._names = names
        self._left = self._most = most

    def of(self, template: Any, marks: Marks) -> Any:
        if isinstance(template, str):
            return self._text(template) if OPENED in template else template
        if isinstance(template, dict):
            return {key: self._field(value, marks.get(key)) for key, value in template.items()}
        if isinstance(template, list):
            return [self.of(value, marks) for value in template]
        return template

    def _field(self, template: Any, mark: Mark | Marks | None) -> Any:
        if not isinstance(mark, Mark):
            return self.of(template, mark or {})
        if mark.kind == JINJA and isinstance(template, str):
            return rendered_prompt(template, self._names)
        if mark.kind == URL:
            return self._url(template)
        return copied(template)

    def _text(self, template: str) -> Any:
        pieces = _ready(template)
        if len(pieces) == 1 and isinstance(pieces[0], Expression):
            value = pieces[0].value(self._names)
            self._take(1 if type(value) in LIGHT else weight(value))
            return value
        return "".join([self._piece(piece) for piece in pieces])

    def _url(self, template: Any) -> Any:
        if not isinstance(template, str) or OPENED not in template:
            return copied(template)
        pieces = _ready(template)
        if len(pieces) == 1:
            return self._text(template)
        return url_of((self._piece(piece), isinstance(piece, Expression)) for piece in pieces)

    def _piece(self, piece: str | Expression) -> str:
        if isinstance(piece, str):
            return piece
        value = piece.value(self._names)
        text = value if isinstance(value, str) else dumped(value)
        self._take(len(text))
        return text

    def _take(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            said = f"What the templates give is larger than {self._most // 1024 // 1024} MiB."
            raise StepFault(TOO_LARGE, said)
