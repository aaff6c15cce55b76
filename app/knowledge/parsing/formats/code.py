"""Source code: a block for each definition at the outermost level, with its comments above."""

import re
from typing import Final

from app.knowledge.parsing.decoding import decode
from app.knowledge.parsing.writing import Writer, clean

_DEFINES: Final = re.compile(
    r"(?:(?:export|default|public|private|protected|internal|static|final|abstract|async|pub"
    r"(?:\([a-z]+\))?|unsafe|extern|inline|sealed|data|open|override|declare|const)\s+)*"
    r"(?P<what>class|def|function|func|fn|interface|struct|enum|trait|impl|type|module|namespace|"
    r"object|record|protocol|extension|contract|message|service|defmodule|defp?|macro_rules!|"
    r"resource|CREATE\s+(?:OR\s+REPLACE\s+)?(?:TABLE|VIEW|FUNCTION|PROCEDURE|INDEX|TRIGGER|TYPE))"
    r"\*?\s+(?P<name>[^\s({:<;=]+(?:\s+for\s+\w+)?)",
    re.IGNORECASE,
)
# `int main(int argc)`, `const add = (a, b) => …`, and a section of an INI or TOML file.
_SHAPES: Final = (
    re.compile(r"(?:[\w:*&<>,\[\]]+\s+)+[*&]*(?P<name>[\w:~]+)\s*\([^;]*$"),
    re.compile(
        r"(?:export\s+)?(?:const|let|var)\s+(?P<name>\w+)\s*=\s*(?:async\s*)?(?:\(|function)"
    ),
    re.compile(r"\[{1,2}(?P<name>[\w.\"' -]+)\]{1,2}\s*$"),
)
_NO_NAMES_WORDS: Final = (
    "return else if for while switch new throw import from #include using package require"
)
_NO_NAMES: Final = frozenset(_NO_NAMES_WORDS.split())
_LEADS: Final = ("#", "//", "/*", " *", "*", "--", ";", "@", '"""', "///", "<!--")
_DIRECTIVE: Final = re.compile(r"#\s*(?:include|define|undef|if|else|elif|endif|pragma|import)\b")


def read(content: bytes, writer: Writer) -> None:
    text, _ = decode(content)
    lines = clean(text).expandtabs(4).split("\n")
    start, name = 0, ""
    for number, line in enumerate(lines):
        found = _definition(line)
        if found is None:
            continue
        above = _with_comments(lines, number, start)
        writer.code("\n".join(lines[start:above]), name)
        start, name = above, found
    writer.code("\n".join(lines[start:]), name)


def _definition(line: str) -> str | None:
    """The name that a line at the outermost level defines."""
    if not line or line[0].isspace() or line.startswith(_LEADS[:6]) or len(line) > 500:
        return None
    if found := _DEFINES.match(line):
        return f"{found['what']} {found['name']}"
    if line.split(maxsplit=1)[0] in _NO_NAMES:
        return None
    for shape in _SHAPES:
        if found := shape.match(line):
            return found["name"]
    return None


def _with_comments(lines: list[str], number: int, start: int) -> int:
    """The line where the comments and decorators of a definition begin."""
    while number > start and lines[number - 1].startswith(_LEADS):
        if _DIRECTIVE.match(lines[number - 1]):
            break
        number -= 1
    return number
