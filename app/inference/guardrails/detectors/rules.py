"""Regular expressions by RE2: linear in the text's length, whatever the pattern and the text."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Protocol

import re2  # type: ignore[import-untyped]

from app.inference.guardrails.findings import Span

# A pattern's compiled program may take this much memory.
MOST_MEMORY: Final = 4 << 20


class BadPattern(ValueError):
    """A pattern that RE2 does not take (it has no look-around and no back references)."""


class Detector(Protocol):
    """Finds spans. What ends in an unfinished run of characters is asked for again later."""

    def find(self, text: str) -> Iterator[Span]: ...


@dataclass(frozen=True, slots=True)
class Rule:
    """A compiled pattern; its first group that took part is what was found, else the whole match.

    `holds` is a check of the found text (a checksum, say); `hint` one that must stand in the text,
    in lower case, for the pattern to be tried at all.
    """

    label: str
    pattern: Any
    holds: Callable[[str], bool] | None = None
    hint: str = ""

    def find(self, text: str) -> Iterator[Span]:
        for match in self.pattern.finditer(text):
            start, end = self._span(match)
            if end > start and (self.holds is None or self.holds(text[start:end])):
                yield Span(start, end, self.label)

    def _span(self, match: Any) -> tuple[int, int]:
        for group in range(1, self.pattern.groups + 1):
            if match.start(group) >= 0:
                return match.start(group), match.end(group)
        return match.start(), match.end()


def compile_pattern(pattern: str, *, ignore_case: bool = False) -> Any:
    """Raises BadPattern, with what is wrong."""
    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = not ignore_case
    options.max_mem = MOST_MEMORY
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        said = error.args[0] if error.args else "it cannot be read"
        raise BadPattern(said.decode() if isinstance(said, bytes) else str(said)) from None


def rule(
    label: str,
    pattern: str,
    holds: Callable[[str], bool] | None = None,
    *,
    ignore_case: bool = False,
    hint: str = "",
) -> Rule:
    return Rule(label, compile_pattern(pattern, ignore_case=ignore_case), holds, hint)


def find_by(rules: tuple[Rule, ...], text: str) -> Iterator[Span]:
    """The spans of every rule whose hint stands in the text."""
    lowered = text.lower()
    for each in rules:
        if each.hint in lowered:
            yield from each.find(text)
