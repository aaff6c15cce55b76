"""Secrets: the patterns of Yelp's detect-secrets, run by RE2, and those that it lacks.

Its patterns are compiled once more, because with Python's own `re` some of them take quadratic
time on a text that somebody has made for that. Loaded when the first policy asks for it.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

from app.inference.guardrails.detectors.rules import (
    BadPattern,
    Rule,
    compile_pattern,
    find_by,
    rule,
)
from app.inference.guardrails.findings import Span

# Not a secret at all, or one that rules of our own find whole.
LEFT_OUT: Final = frozenset(
    {"Public IP (ipv4)", "Private Key", "GitHub Token", "OpenAI Token", "JSON Web Token"}
)
PLACEHOLDER_WORDS: Final = ("example", "your", "xxx", "<", "${", "{{", "changeme", "redacted")
# Their groups are for alternatives, and what was found is the whole match.
WHOLE: Final = frozenset({"GitLab Token"})
ENTROPY_BITS: Final = 3.0


def _is_random(text: str) -> bool:
    """Tell a value from a word or a stand-in: several kinds of characters, well mixed."""
    lowered = text.lower()
    if any(word in lowered for word in PLACEHOLDER_WORDS):
        return False
    return entropy(text) >= ENTROPY_BITS and any(c.isdigit() for c in text)


def entropy(text: str) -> float:
    """Shannon's entropy in bits a character."""
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())


@lru_cache(maxsize=1)
def secret_rules() -> tuple[Rule, ...]:
    """All rules; the most telling ones first."""
    return (*_own(), *_of_the_library())


def find_secrets(text: str) -> Iterator[Span]:
    return find_by(secret_rules(), text)


def _own() -> tuple[Rule, ...]:
    key = r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
    assigned = (
        r"(?:^|[^a-z0-9])(?:[a-z0-9_-]{0,30}(?:secret|token|passwd|password|api[_-]?key|"
        r"access[_-]?key|private[_-]?key|credential)[a-z0-9_-]{0,20})[\"']?\s{0,3}(?:=>|:=|=|:)"
        r"\s{0,3}[\"']?([^\s\"',;]{8,200})"
    )
    return (
        rule(
            "PRIVATE_KEY",
            key + r"(?s:.*?)(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\z)",
            hint="private key",
        ),
        rule("OPENAI_KEY", r"\bsk-(?:proj-|svcacct-|admin-)?[A-Za-z0-9_-]{20,200}", hint="sk-"),
        rule("ANTHROPIC_KEY", r"\bsk-ant-[A-Za-z0-9_-]{20,200}", hint="sk-ant-"),
        rule("GOOGLE_API_KEY", r"\bAIza[A-Za-z0-9_-]{35}", hint="aiza"),
        rule("GITHUB_TOKEN", r"\bgh[pousr]_[A-Za-z0-9]{36,251}", hint="gh"),
        rule("GITHUB_TOKEN", r"\bgithub_pat_[A-Za-z0-9_]{50,100}", hint="github_pat_"),
        rule("HUGGING_FACE_TOKEN", r"\bhf_[A-Za-z0-9]{30,60}", hint="hf_"),
        rule("GROQ_KEY", r"\bgsk_[A-Za-z0-9]{40,80}", hint="gsk_"),
        rule("LUMINOUS_KEY", r"\blum_live_[A-Za-z0-9]{36}", hint="lum_live_"),
        rule(
            "JSON_WEB_TOKEN",
            r"\beyJ[A-Za-z0-9_-]{5,}\.eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*",
            hint="eyj",
        ),
        rule("SLACK_TOKEN", r"\bxox[abeoprs]-[A-Za-z0-9-]{10,200}", hint="xox"),
        rule("PASSWORD", assigned, _is_random, ignore_case=True),
    )


def _of_the_library() -> tuple[Rule, ...]:
    from detect_secrets.core.plugins.util import (  # noqa: PLC0415 - 20 MiB that few need
        get_mapping_from_secret_type_to_class,
    )

    found: list[Rule] = []
    plugins: dict[str, Any] = get_mapping_from_secret_type_to_class()
    for name, plugin in sorted(plugins.items()):
        patterns = getattr(plugin, "denylist", ())
        if name in LEFT_OUT or not isinstance(patterns, (list, tuple)):
            continue
        found += [
            Rule(label_of(name), _compiled(pattern, whole=name in WHOLE)) for pattern in patterns
        ]
    return tuple(found)


def label_of(name: str) -> str:
    return re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_")


def _compiled(pattern: re.Pattern[str], *, whole: bool) -> Any:
    """A pattern of the library in RE2's words; its look-arounds only see to the edges."""
    words = pattern.pattern.replace(r"(?:(?<=\W)|(?<=^))", r"(?:^|\W)")
    words = re.sub(r"\(\?!(\\w|\[[^\]]*\])\)", "", words)
    # RE2 repeats at most a thousand times.
    words = words.replace("{50,1024}", "{50,1000}")
    if whole:
        words = re.sub(r"(?<!\\)\((?!\?)", "(?:", words)
    try:
        return compile_pattern(words, ignore_case=bool(pattern.flags & re.IGNORECASE))
    except BadPattern as error:
        raise BadPattern(f"{pattern.pattern!r} of detect-secrets: {error}") from None
