"""Personal data that has a form: found by patterns, held to checksums and number plans.

Names of people and places have none; they would take a language model of hundreds of megabytes.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Final, Literal

from app.inference.guardrails.detectors import checksums
from app.inference.guardrails.detectors.rules import Rule, find_by, rule
from app.inference.guardrails.findings import Span

Entity = Literal[
    "EMAIL",
    "PHONE",
    "CREDIT_CARD",
    "IBAN",
    "IP_ADDRESS",
    "US_SSN",
    "UK_NHS",
    "PASSPORT",
    "CRYPTO_WALLET",
    "MAC_ADDRESS",
]
USUAL: Final[tuple[Entity, ...]] = ("EMAIL", "PHONE", "CREDIT_CARD", "IBAN", "US_SSN", "PASSPORT")
_DIGITS: Final = 7  # fewer are nobody's telephone number


@lru_cache(maxsize=1)
def _rules() -> dict[str, tuple[Rule, ...]]:
    octet = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
    email = (
        r"[\pL\pN][\pL\pN.!#$%&'*+/=?^_`{|}~-]{0,63}@"
        r"(?:[\pL\pN](?:[\pL\pN-]{0,61}[\pL\pN])?\.)+[\pL][\pL\pN-]{0,61}[\pL\pN]"
    )
    passport = (
        r"passport(?:\s{1,3}(?:no|number|nr|#))?\.?\s{0,3}[:#]?\s{0,3}(?:is\s)?"
        r"\b([A-Z]{0,2}[0-9]{6,9}|[A-Z][0-9A-Z]{8})\b"
    )
    return {
        "EMAIL": (rule("EMAIL", email, hint="@"),),
        "CREDIT_CARD": (rule("CREDIT_CARD", r"\b[0-9](?:[ -]?[0-9]){12,18}\b", checksums.is_card),),
        "IBAN": (
            rule(
                "IBAN",
                r"\b[A-Z]{2}[0-9]{2}(?: ?[0-9A-Z]{4}){2,7}(?: ?[0-9A-Z]{1,3})?\b",
                checksums.is_iban,
                ignore_case=True,
            ),
        ),
        "IP_ADDRESS": (
            rule("IP_ADDRESS", rf"\b(?:{octet}\.){{3}}{octet}\b", checksums.is_ip, hint="."),
            rule(
                "IP_ADDRESS", r"\b[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}", checksums.is_ip,
                ignore_case=True, hint=":",
            ),
        ),
        "US_SSN": (rule("US_SSN", r"\b[0-9]{3}-[0-9]{2}-[0-9]{4}\b", checksums.is_ssn, hint="-"),),
        "UK_NHS": (
            rule("UK_NHS", r"\b[0-9]{3} ?[0-9]{3} ?[0-9]{4}\b", checksums.is_nhs_number),
        ),
        "PASSPORT": (rule("PASSPORT", passport, ignore_case=True, hint="passport"),),
        "CRYPTO_WALLET": (
            rule("CRYPTO_WALLET", r"\b(?:bc1[a-z0-9]{25,62}|[13][a-km-zA-HJ-NP-Z1-9]{25,34})\b"),
            rule("CRYPTO_WALLET", r"\b0x[0-9a-fA-F]{40}\b", hint="0x"),
        ),
        "MAC_ADDRESS": (
            rule("MAC_ADDRESS", r"\b[0-9a-fA-F]{2}(?:[:-][0-9a-fA-F]{2}){5}\b"),
        ),
    }  # fmt: skip


def finder(
    entities: tuple[Entity, ...], regions: tuple[str, ...]
) -> Callable[[str], Iterator[Span]]:
    """What finds these entities; `regions` are where a number without its country code may be."""
    rules = tuple(each for name in entities for each in _rules().get(name, ()))

    def find(text: str) -> Iterator[Span]:
        yield from find_by(rules, text)
        if "PHONE" in entities and sum(map(str.isdigit, text)) >= _DIGITS:
            yield from find_phones(text, regions)

    return find


def find_phones(text: str, regions: tuple[str, ...]) -> Iterator[Span]:
    """Numbers that are valid in the number plan of their country, or of one of the regions."""
    from phonenumbers import Leniency, PhoneNumberMatcher  # noqa: PLC0415 - megabytes of metadata

    for region in (None, *regions):
        for match in PhoneNumberMatcher(text, region, leniency=Leniency.VALID, max_tries=1000):
            yield Span(match.start, match.end, "PHONE")
