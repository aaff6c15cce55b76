"""What is one word in several forms: a stemmer brings forms together, and endings tell which."""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Final

from app.knowledge.detection.matching.irregular import BASES
from app.knowledge.passages.draft import config_of

if TYPE_CHECKING:
    from Stemmer import Stemmer  # type: ignore[import-not-found] # it has no types

# Stemmers also bring together what is only of one root (`universe` and `university`). In these
# languages two words count as one only where they differ by endings of inflection.
_ENDINGS: Final = {
    "english": frozenset({"", "s", "es", "ed", "d", "ing", "e", "y", "ies", "ied", "ying", "ie"}),
    "german": frozenset(
        {"", "e", "en", "er", "ern", "em", "es", "s", "n", "ns", "ens", "nen", "t", "te", "ten"}
        | {"tem", "ter", "tes", "st", "et", "est", "se", "sen", "ses"}
    ),
}
_UMLAUTS: Final = str.maketrans("äöü", "aou")


# Languages that Postgres has no configuration for, and Snowball has a stemmer.
_OTHERS: Final = {
    "cs": "czech",
    "eo": "esperanto",
    "et": "estonian",
    "fa": "persian",
    "nb": "norwegian",
    "nn": "norwegian",
    "pl": "polish",
    "st": "sesotho",
}


def stemmer_of(language: str) -> str:
    """The name of a language tag's stemmer; empty where there is none."""
    name = config_of(language)
    if name == "simple":
        return _OTHERS.get(language.partition("-")[0].lower(), "")
    return name


@cache
def _stemmer(name: str) -> "Stemmer":
    from Stemmer import Stemmer  # noqa: PLC0415 - its tables are wanted where there are terms

    return Stemmer(name)


def stems(name: str, norms: Sequence[str]) -> list[str]:
    """What the forms of each word have in common, by a stemmer's name."""
    if not name:
        return list(norms)
    bases = BASES.get(name, {})
    found: list[str] = _stemmer(name).stemWords([bases.get(norm, norm) for norm in norms])
    return found


def is_form(name: str, one: str, other: str) -> bool:
    """Whether two words with one stem are forms of one word."""
    if one == other:
        return True
    endings = _ENDINGS.get(name)
    if endings is None:
        return True
    bases = BASES.get(name, {})
    one, other = bases.get(one, one), bases.get(other, other)
    if name == "german":
        one, other = one.translate(_UMLAUTS), other.translate(_UMLAUTS)
    length = _shared(one, other)
    first, second = one[length:], other[length:]
    if first in endings and second in endings:
        return True
    # run, running: the last letter doubled.
    doubled = one[length - 1 : length]
    return (
        bool(doubled)
        and _undoubled(first, doubled) in endings
        and (_undoubled(second, doubled) in endings)
    )


def _undoubled(ending: str, letter: str) -> str:
    return ending[1:] if ending.startswith(letter) and len(ending) > 1 else ending


def _shared(one: str, other: str) -> int:
    """How many letters two words begin with alike."""
    differing = (at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1])
    return next(differing, min(len(one), len(other)))
