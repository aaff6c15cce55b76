"""A text that is checked while it is written, held back only as far as a match could reach."""

from collections.abc import Iterable
from typing import Final

from app.inference.guardrails.placeholders import Placeholders
from app.inference.guardrails.putting import AsIs, InJson, inside_string
from app.inference.guardrails.screen import Hit, Screen, apply
from app.inference.guardrails.unseen import between_escapes

# What has left and is still looked at, for the words before a value (`password:`).
CONTEXT: Final = 256
# More is never held, a private key under way included.
MOST_HELD: Final = 16_384


class Window:
    """One channel of an answer. `feed` gives what may leave, masked; raises GuardrailRefused."""

    def __init__(
        self, screen: Screen, placeholders: Placeholders, *, is_json: bool = False
    ) -> None:
        self._screen = screen
        self._placeholders = placeholders
        self._is_json = is_json
        self._context = ""
        self._held = ""
        self._in_string = False

    def feed(self, text: str) -> str:
        self._held += text
        return self._release(overfull=len(self._held) > MOST_HELD)

    def end(self) -> str:
        return self._release(ended=True) if self._held else ""

    def _release(self, *, overfull: bool = False, ended: bool = False) -> str:
        whole, base = self._context + self._held, len(self._context)
        hits = [
            hit for hit in self._screen.find(whole, is_json=self._is_json) if hit.span.end > base
        ]
        cut = len(whole) if overfull or ended else self._cut(whole, base, hits)
        if self._is_json and not ended:
            cut = max(base, between_escapes(whole, cut))
        leaving = [clipped(hit, base, cut) for hit in hits if hit.span.start < cut]
        self._screen.take(leaving)
        text = whole[base:cut]
        ready = apply(
            text,
            [moved(hit, -base) for hit in leaving],
            self._placeholders,
            InJson(text, inside=self._in_string) if self._is_json else AsIs(),
            restored=False,
        )
        if self._is_json:
            self._in_string = inside_string(text, self._in_string)
        known = max(0, cut - CONTEXT)
        known = between_escapes(whole, known) if self._is_json else known
        self._context, self._held = whole[known:cut], whole[cut:]
        return ready

    def _cut(self, whole: str, base: int, hits: Iterable[Hit]) -> int:
        """How far the text may leave: no match is cut, and none that may still grow leaves."""
        cut = max(base, self._screen.open_from(whole))
        for hit in sorted(hits, key=lambda hit: hit.span.end, reverse=True):
            if hit.span.start < cut < hit.span.end or hit.span.end == len(whole):
                cut = max(base, min(cut, hit.span.start))
        return cut


def clipped(hit: Hit, base: int, cut: int) -> Hit:
    start, end = max(hit.span.start, base), min(hit.span.end, cut)
    return hit.at(start, end)


def moved(hit: Hit, by: int) -> Hit:
    return hit.at(hit.span.start + by, hit.span.end + by)
