"""Foreign prompts as templates of ours, and back: fast-agent's placeholders, and plain text."""

import re
from typing import Final

_MARKS: Final = re.compile(r"\{\{([^{}\n]{0,200})\}\}|\{\{|\{%|\{#")
_OURS: Final = re.compile(r"\{\{-?\s*([^{}\n]{0,200}|'\{[{%#]')\s*-?\}\}")
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_SAME: Final = {"currentDate": "today", "agentName": "agent"}
_BACK: Final = {ours: theirs for theirs, ours in _SAME.items()}
# What fast-agent puts in of the machine that it runs on; none of it is here.
_OF_THE_MACHINE: Final = frozenset(
    {
        "agentSkills",
        "agentType",
        "agentInternalResources",
        "env",
        "hostPlatform",
        "pythonVer",
        "serverInstructions",
        "workspaceRoot",
        "environmentDir",
    }
)


def literal(text: str) -> str:
    """A text as a template that says exactly this."""
    return re.sub(r"\{\{|\{%|\{#", lambda mark: "{{ '" + mark[0] + "' }}", text)


def from_fast_agent(text: str) -> tuple[str, list[str], list[str]]:
    """A template, the variables that it names, and what was left out."""
    names: dict[str, None] = {}
    left: list[str] = []

    def become(mark: re.Match[str]) -> str:
        inner = (mark[1] or "").strip()
        if mark[1] is None:
            return literal(mark[0])
        if inner in _SAME:
            return "{{ " + _SAME[inner] + " }}"
        if inner in _OF_THE_MACHINE or inner.startswith(("url:", "file:", "file_silent:")):
            left.append(f"the placeholder `{{{{{inner}}}}}`")
            return ""
        if _NAME.fullmatch(inner):
            names[inner] = None
            return "{{ " + inner + " }}"
        return "{{ '{{' }}" + mark[1] + "}}"

    return _MARKS.sub(become, text), list(names), left


def to_fast_agent(template: str) -> tuple[str, bool]:
    """The same the other way round, and whether some of the template has no counterpart."""
    has_more = "{%" in re.sub(r"\{\{ '\{[{%#]' \}\}", "", template)

    def become(mark: re.Match[str]) -> str:
        nonlocal has_more
        inner = mark[1].strip()
        if inner.startswith("'") and inner.endswith("'"):
            return inner[1:-1]
        if not _NAME.fullmatch(inner):
            has_more = True
            return mark[0]
        return "{{" + _BACK.get(inner, inner) + "}}"

    return _OURS.sub(become, template), has_more
