"""Links and images in what an agent says, made inert while it is streamed.

An answer that a stranger's text has steered must not fetch an image whose address carries what the
agent knows, nor offer it for a click. Markdown is read token by token, as CommonMark does; what may
still become a link is held back until it is known, at most to the end of its line. Code stays.
"""

import re
from typing import Final, NamedTuple

from app.agents.definitions.definition import OutputGuard

MOST_HELD: Final = 4000

_SPECIAL: Final = re.compile(r"[`!\[\]<\\]|(?:https?://|ftp://|www\.)", re.IGNORECASE)
_HALTS: Final = re.compile(_SPECIAL.pattern + r"|\n", re.IGNORECASE)
# The end of a text that may become the start of an address.
_UNFINISHED: Final = re.compile(
    r"(?:h(?:t(?:t(?:ps?(?::/?)?)?)?)?|f(?:t(?:p(?::/?)?)?)?|ww?w?)\Z", re.IGNORECASE
)
_LONGEST_START: Final = len("https://")
_LABEL: Final = re.compile(r"!?\[((?:[^\[\]\\]|\\.|!?\[(?:[^\[\]\\]|\\.)*\](?:\([^()]*\))?)*)\]")
_TARGET: Final = re.compile(
    r"\(\s*(<[^<>]*>|[^\s()]*(?:\([^\s()]*\)[^\s()]*)*)"
    r"(?:\s+(?:\"[^\"]*\"|'[^']*'|\([^()]*\)))?\s*\)"
)
_AUTOLINK: Final = re.compile(r"<([a-zA-Z][a-zA-Z0-9+.-]{1,31}:[^\s<>]*)>")
_ADDRESS: Final = re.compile(r"[^\s<>`]*")
_PLAIN: Final = re.compile(
    r"https?://([a-z0-9-]+(?:\.[a-z0-9-]+)*)(?::\d+)?(?:[/?#][^\s<>`\\]*)?", re.IGNORECASE
)
_FENCE: Final = re.compile(r"(`{3,})[^`]*$|(~{3,}).*$")
_CLOSING: Final = ".,;:!?)'\"*_"


class _Token(NamedTuple):
    """So many characters were read, and this stands in their place."""

    length: int
    text: str


class InertText:
    """Holds back what may turn out to be a link, and lets everything else through at once."""

    def __init__(self, policy: OutputGuard) -> None:
        self._links = policy.links == "inert"
        self._images = policy.images == "inert"
        self._domains = tuple(each.lower() for each in policy.domains)
        self._held = ""
        self._at_start = True
        self._fence = ""
        self._last = ""

    def feed(self, text: str) -> str:
        """What may be shown of all that has come so far."""
        if not (self._links or self._images) or self._is_plain(text):
            return text
        self._held += text
        shown: list[str] = []
        while (end := self._held.find("\n")) >= 0:
            line, self._held = self._held[:end], self._held[end + 1 :]
            shown += (self._line(line), "\n")
            self._at_start = True
        shown.append(self._part())
        return "".join(shown)

    def _is_plain(self, text: str) -> bool:
        """Whether the text may be shown as it is, whatever comes after it: most of what comes."""
        if not text or self._held or self._at_start or self._fence:
            return False
        if _HALTS.search(text) or _safe_end(text, 0) < len(text):
            return False
        self._last = text[-1]
        return True

    def finish(self) -> str:
        """The rest."""
        line, self._held = self._held, ""
        return self._line(line)

    def _line(self, line: str) -> str:
        """The rest of a line that has ended."""
        if self._at_start and self._is_fence(line):
            return line
        if self._fence:
            return line
        text, self._last = self._read(line, ended=True, last=self._last)[0], ""
        return text

    def _is_fence(self, line: str) -> bool:
        """Whether a line begins or ends a block of code; only what is not indented begins one."""
        if self._fence:
            bare = line.strip()
            mark = self._fence[0]
            closes = bare.startswith(self._fence) and not bare.strip(mark)
            if closes and len(line) - len(line.lstrip(" ")) <= 3:
                self._fence = ""
                return True
            return False
        found = _FENCE.match(line)
        if found is None:
            return False
        self._fence = found[1] or found[2]
        return True

    def _part(self) -> str:
        """What may be shown of a line that goes on."""
        if not self._held or (self._at_start and self._held[0] in "`~ "):
            return ""
        if self._fence:
            # Only a whole line tells whether it ends the block.
            return ""
        ended = len(self._held) > MOST_HELD
        text, read = self._read(self._held, ended=ended, last=self._last)
        self._last = text[-1:] or self._last
        self._held = self._held[read:]
        self._at_start = self._at_start and not read
        return text

    def _read(self, line: str, *, ended: bool, last: str = "") -> tuple[str, int]:
        """The line as it is shown after `last`, and how far it could be read."""
        shown: list[str] = [last]
        at = 0
        while at < len(line):
            found = _SPECIAL.search(line, at)
            if found is None:
                kept = len(line) if ended else _safe_end(line, at)
                shown.append(line[at:kept])
                return "".join(shown)[len(last) :], kept
            shown.append(line[at : found.start()])
            at = found.start()
            token = self._token(line, at, ended=ended)
            if token is None:
                break
            if token.text[:1] == "`" and "".join(shown[-2:])[-1:] == "`":
                shown.append(" ")  # two marks of code are not to become one
            shown.append(token.text)
            at += token.length
        return "".join(shown)[len(last) :], at

    def _token(self, line: str, at: int, *, ended: bool) -> _Token | None:
        """The token that begins here; None where more must come first."""
        if at + 1 == len(line) and not ended:
            return None
        read = {
            "`": _code,
            "\\": _escape,
            "!": self._exclamation,
            "[": self._bracket,
            "]": _closing,
            "<": self._angle,
        }.get(line[at], self._bare)
        return read(line, at, ended=ended)

    def _exclamation(self, line: str, at: int, *, ended: bool) -> _Token | None:
        if line[at + 1 : at + 2] == "[":
            return self._bracket(line, at, ended=ended)
        return _Token(1, "!")

    def _bracket(self, line: str, at: int, *, ended: bool) -> _Token | None:
        opening = 2 if line[at] == "!" else 1
        label = _LABEL.match(line, at)
        is_open = label is None or label.end() == len(line)
        target = _TARGET.match(line, label.end()) if label is not None else None
        if label is None or target is None:
            may_go_on = is_open or line[label.end()] == "("  # type: ignore[union-attr]
            return None if may_go_on and not ended else _Token(opening, line[at : at + opening])
        return self._link(line[at : target.end()], label[1], target, is_image=opening == 2)

    def _link(self, whole: str, label: str, target: re.Match[str], *, is_image: bool) -> _Token:
        address = target[1].strip("<>")
        if self._may_stay(address, is_image=is_image):
            if is_image:
                return _Token(len(whole), whole)
            inner, _ = self._read(label, ended=True)
            return _Token(len(whole), f"[{inner}]{target[0]}")
        said, _ = self._read(label, ended=True)
        kind = "image: " if is_image else ""
        return _Token(len(whole), f"{said} ({kind}{_as_code(address)})")

    def _angle(self, line: str, at: int, *, ended: bool) -> _Token | None:
        if not (line[at + 1 : at + 2].isalpha() or line[at + 1 : at + 2] in ("/", "!", "?")):
            return _Token(1, "<")
        link = _AUTOLINK.match(line, at)
        if link is not None:
            stays = self._may_stay(link[1], is_image=False)
            return _Token(len(link[0]), link[0] if stays else _as_code(link[1]))
        if not ended and not re.search(r"[\s<>]", line[at + 1 :]):
            return None
        return _Token(1, "\\<")

    def _bare(self, line: str, at: int, *, ended: bool) -> _Token | None:
        found = _ADDRESS.match(line, at)
        address = found[0] if found else line[at]
        if at + len(address) == len(line) and not ended:
            return None
        address = address.rstrip(_CLOSING) or address
        stays = self._may_stay(address, is_image=False)
        return _Token(len(address), address if stays else _as_code(address))

    def _may_stay(self, address: str, *, is_image: bool) -> bool:
        if not (self._images if is_image else self._links):
            return True
        plain = _PLAIN.fullmatch(address)
        host = plain[1].lower() if plain else ""
        return any(host == each or host.endswith(f".{each}") for each in self._domains)


def _escape(line: str, at: int, *, ended: bool) -> _Token | None:  # noqa: ARG001
    return _Token(len(line[at : at + 2]), line[at : at + 2])


def _closing(line: str, at: int, *, ended: bool) -> _Token | None:  # noqa: ARG001
    """The end of a label; what would follow as its target is taken apart from it."""
    following = line[at + 1 : at + 2]
    return _Token(2, f"]\\{following}") if following in ("(", ":") else _Token(1, "]")


def _code(line: str, at: int, *, ended: bool) -> _Token | None:
    """A span of code, as it is; a mark that nothing closes is a mark."""
    length = len(line[at:]) - len(line[at:].lstrip("`"))
    if at + length == len(line) and not ended:
        return None
    mark = "`" * length
    closed = re.compile(rf"(?<!`){mark}(?!`)").search(line, at + length)
    if closed is None:
        return _Token(length, "\\`" * length) if ended else None
    if closed.end() == len(line) and not ended:
        return None
    return _Token(closed.end() - at, line[at : closed.end()])


def _as_code(address: str) -> str:
    """An address to be read, which nothing follows."""
    return f"`{address.replace('`', '%60')}`" if address else "``"


def _safe_end(line: str, at: int) -> int:
    """Where the line may be cut: before what may become an address."""
    found = _UNFINISHED.search(line, max(at, len(line) - _LONGEST_START + 1))
    return found.start() if found else len(line)
