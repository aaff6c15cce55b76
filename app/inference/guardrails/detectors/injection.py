"""Attempts to talk a model out of its instructions: scored by rules that can be read.

Each rule that matches adds its weight, once: `1 - (1-w1)(1-w2)…`. It is a heuristic: what is meant
for a model that reads on behalf of somebody (mail, web pages, tool results) and has no place there.
"""

import base64
import binascii
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from app.inference.guardrails.detectors.rules import compile_pattern

ENCODED: Final = re.compile(r"[A-Za-z0-9+/]{24,4000}={0,2}")
MOST_ENCODED: Final = 20
# Written to be read by a model and by nobody else: tag characters, zero width, direction marks.
UNSEEN: Final = re.compile("[\U000e0000-\U000e007f\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
FEW_UNSEEN: Final = 8

_RULES: Final = (
    (
        "override",
        0.7,
        (
            r"\b(?:ignore|disregard|forget|override|bypass|skip)\b.{0,40}\b(?:all|any|the|"
            r"your|every|these|those|my|previous|prior|above|earlier|preceding)\b.{0,40}\b"
            r"(?:instructions?|prompts?|rules?|guidelines?|directions?|constraints?|polici"
            r"es|context|messages?)\b"
        ),
        "tells the model to disregard its instructions",
    ),
    (
        "new_instructions",
        0.5,
        (
            r"\b(?:new|updated|real|actual|revised)\s+(?:system\s+)?(?:instructions?|promp"
            r"t|rules?|orders?)\s*(?:are|is|:|follow)"
        ),
        "gives new instructions in the place of the old",
    ),
    (
        "extraction",
        0.6,
        (
            r"\b(?:reveal|show|print|repeat|output|display|leak|disclose|tell me|give me|w"
            r"rite out|what (?:is|are|were))\b.{0,40}\b(?:system|initial|hidden|original|s"
            r"ecret|developer)\s+(?:prompt|message|instructions?|rules?)\b"
        ),
        "asks for the system prompt",
    ),
    (
        "extraction",
        0.55,
        r"\brepeat\b.{0,30}\b(?:everything|words|text|all)\b.{0,30}\babove\b",
        "asks to repeat what stands above",
    ),
    (
        "persona",
        0.6,
        (
            r"\b(?:you are|you're|act as|pretend (?:to be|you are)|become|roleplay as|simu"
            r"late)\b.{0,60}\b(?:DAN|jailbroken|unrestricted|unfiltered|uncensored|no (?:r"
            r"ules|restrictions|limits|filters?)|without (?:any )?(?:rules|restrictions|li"
            r"mits|filters?|ethics))\b"
        ),
        "puts the model into a role without rules",
    ),
    (
        "persona",
        0.6,
        (
            r"\b(?:developer|god|jailbreak|debug|admin|sudo|dan|unrestricted)\s+mode\b.{0,"
            r"30}\b(?:on|enabled?|activated?|now)\b|\b(?:enable|enter|activate|switch to)\b"
            r".{0,20}\b(?:developer|god|jailbreak|debug|admin|sudo|dan|unrestricted)\s+mod"
            r"e\b"
        ),
        "switches a mode that does not exist",
    ),
    (
        "forged_role",
        0.6,
        (
            r"<\|(?:im_start|im_end|system|user|assistant|endoftext|eot_id|start_header_id"
            r")\|?>?|\[/?INST\]|<</?SYS>>|</?(?:system|assistant)(?:_prompt)?>"
        ),
        "forges the marks of another role",
    ),
    (
        "forged_role",
        0.4,
        r"(?m)^\s{0,4}(?:#{1,4}\s*)?(?:system|assistant|developer)(?: prompt| message)?\s*:",
        "writes in the name of another role",
    ),
    (
        "concealment",
        0.45,
        (
            r"\b(?:do not|don't|never|without)\b.{0,20}\b(?:tell|mention|inform|notify|ale"
            r"rt|reveal(?: this)? to|telling|mentioning|informing)\b.{0,20}\b(?:user|human"
            r"|anyone|them|operator)\b"
        ),
        "asks to hide something from the user",
    ),
    (
        "exfiltration",
        0.55,
        (
            r"\b(?:send|post|forward|upload|exfiltrate|e-?mail|append|transmit)\b.{0,60}\b"
            r"(?:conversation|chat history|system prompt|api keys?|passwords?|credentials|"
            r"secrets|tokens|private data)\b.{0,60}(?:https?://|\bto\b)"
        ),
        "sends what it should keep to somewhere else",
    ),
    (
        "exfiltration",
        0.5,
        r"!\[[^\]]{0,100}\]\(https?://[^)\s]{1,300}[?&=][^)\s]{0,100}(?:\{|\$|%7B|<)",
        "has an image's address carry data away",
    ),
    (
        "rules_are_off",
        0.5,
        (
            r"\b(?:your|the|all)\b.{0,20}\b(?:safety|content|ethical|security)\b.{0,20}\b("
            r"?:guidelines?|filters?|polic(?:y|ies)|restrictions?|rules)\b.{0,30}\b(?:are|"
            r"is|do|does|no longer|don't|disabled|off|not)\b"
        ),
        "says that the rules are off",
    ),
    (
        "other_language",
        0.65,
        (
            r"(?:ignor(?:iere|a|ez|e|are)|vergiss|olvida|oublie[zr]?|dimentica|negeer|esqu"
            r"ece|esqueça)\b.{0,40}\b(?:anweisungen|instruktionen|instrucciones|instructio"
            r"ns|istruzioni|instructies|instruções|regeln|reglas|règles|regole)"
        ),
        "tells the model to disregard its instructions, in another language",
    ),
)


@dataclass(frozen=True, slots=True)
class Suspicion:
    """How much a text looks like an attempt (0 to 1), and the rules that say so."""

    score: float
    rules: tuple[str, ...]
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Heuristic:
    name: str
    weight: float
    pattern: Any
    reason: str


@lru_cache(maxsize=1)
def _heuristics() -> tuple[_Heuristic, ...]:
    return tuple(
        _Heuristic(name, weight, compile_pattern("(?s)" + pattern, ignore_case=True), reason)
        for name, weight, pattern, reason in _RULES
    )


def suspect(text: str) -> Suspicion:
    """Score a text, and what is hidden in it by look-alike, unseen or base64 characters."""
    plain = unicodedata.normalize("NFKC", UNSEEN.sub("", text))
    matched = _matching(plain)
    if len(UNSEEN.findall(text)) >= FEW_UNSEEN:
        matched.append(("unseen_text", 0.4, "holds characters that nobody sees"))
    decoded = _decoded(plain)
    if decoded and (hidden := _matching(decoded)):
        matched += [*hidden, ("encoded_text", 0.3, "hides text in base64")]
    return _sum_up(matched)


def _matching(text: str) -> list[tuple[str, float, str]]:
    return [(h.name, h.weight, h.reason) for h in _heuristics() if h.pattern.search(text)]


def _sum_up(matched: list[tuple[str, float, str]]) -> Suspicion:
    left = 1.0
    for _, weight, _ in matched:
        left *= 1 - weight
    names = tuple(dict.fromkeys(name for name, _, _ in matched))
    reasons = tuple(dict.fromkeys(reason for _, _, reason in matched))
    return Suspicion(round(1 - left, 3), names, reasons)


def _decoded(text: str) -> str:
    found = []
    for match in ENCODED.findall(text)[:MOST_ENCODED]:
        try:
            raw = base64.b64decode(match + "=" * (-len(match) % 4), validate=True)
            found.append(raw.decode())
        except (binascii.Error, ValueError):
            continue
    return "\n".join(found)
