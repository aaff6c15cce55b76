"""The words of a CEL expression: enough to see what it refers to, not what it means."""

import re
from dataclasses import dataclass
from typing import Final

_RAW: Final = r'[bB]?[rR][bB]?(?:"""(?:.*?)"""|\'\'\'(?:.*?)\'\'\'|"[^"\n]*"|\'[^\'\n]*\')'
_ESCAPED: Final = (
    r'[bB]?(?:"""(?:[^\\]|\\.)*?"""|\'\'\'(?:[^\\]|\\.)*?\'\'\''
    r'|"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\')'
)
_NUMBER: Final = (
    r"0[xX][0-9a-fA-F]+[uU]?|(?:[0-9]+\.[0-9]+|\.[0-9]+|[0-9]+)(?:[eE][+-]?[0-9]+)?[uU]?"
)
TOKEN: Final = re.compile(
    rf"(?P<space>(?:\s+|//[^\n]*)+)|(?P<text>{_RAW}|{_ESCAPED})|(?P<number>{_NUMBER})"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<mark>.)",
    re.DOTALL,
)
# A text whose characters are what it says: no prefix, no escape.
_BARE: Final = re.compile(r"\"([^\"\\]*)\"|'([^'\\]*)'")


@dataclass(frozen=True, slots=True)
class Token:
    """`kind` is name, text, number or mark (one character); `lead` is the space before it."""

    kind: str
    text: str
    lead: str = ""

    @property
    def written(self) -> str:
        """As it stands in its source."""
        return self.lead + self.text

    @property
    def bare(self) -> str | None:
        """What a text without escapes says; None for all else."""
        found = _BARE.fullmatch(self.text) if self.kind == "text" else None
        if found is None or self.text.startswith(('"""', "'''")):
            return None
        return found[1] if found[1] is not None else found[2]


END: Final = Token("mark", "")


def tokens_of(source: str) -> list[Token]:
    """In order; what is no CEL comes as marks."""
    found, lead = [], ""
    for match in TOKEN.finditer(source):
        kind, text = match.lastgroup or "mark", match[0]
        if kind == "space":
            lead = text
        else:
            found.append(Token(kind, text, lead))
            lead = ""
    return found


def closing(tokens: list[Token], opened: int) -> int:
    """Where the bracket that opens at `opened` is closed; the end where it is not."""
    depth = 0
    for place in range(opened, len(tokens)):
        if tokens[place].kind == "mark":
            depth += (tokens[place].text in "([{") - (tokens[place].text in ")]}")
            if depth == 0:
                return place
    return len(tokens)


def arguments(tokens: list[Token]) -> list[list[Token]]:
    """What stands between brackets, parted at its own commas."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        if token.kind == "mark":
            depth += (token.text in "([{") - (token.text in ")]}")
        if token.text == "," and depth == 0:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts
