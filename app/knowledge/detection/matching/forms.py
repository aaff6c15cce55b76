"""What is one word in several forms: a stemmer brings forms together, and endings tell which."""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Final

from app.knowledge.detection.matching.irregular import BASES
from app.knowledge.passages.draft import config_of

if TYPE_CHECKING:
    from Stemmer import Stemmer  # type: ignore[import-not-found] # it has no types

# Stemmers also bring together what is only of one root (`universe` and `university`). In these
# languages two words count as one only where they differ by endings of inflection, of one group.
_ENDINGS: Final = {
    "english": (
        frozenset({"", "s", "es", "ed", "d", "ing", "e", "y", "ies", "ied", "ying", "ie"}),
    ),
    "french": (
        frozenset({"", "s", "x", "e", "es"}),
        frozenset({"l", "ls", "ux", "le", "les"}),
        frozenset({"x", "se", "ses"}),
        frozenset({"er", "ers", "ère", "ères"}),
        frozenset({"et", "ets", "ète", "ètes"}),
    ),
    "german": (
        frozenset(
            {"", "e", "en", "er", "ern", "em", "es", "s", "n", "ns", "ens", "nen", "t", "te"}
            | {"ten", "tem", "ter", "tes", "st", "et", "est", "se", "sen", "ses"}
        ),
    ),
    "spanish": (frozenset({"", "s", "es"}),),
}
# Adjectives before their noun, behind the `e` that all of these have: `gültiger`, `gültigen`.
_WITHIN: Final = {"german": frozenset({"", "m", "n", "r", "s"})}
# Short words are others in the other gender (`caso`, `casa`), long ones are people and adjectives.
_GENDERS: Final = {
    "spanish": (frozenset({"o", "os", "a", "as"}), frozenset({"", "es", "a", "as"})),
}
_LONG: Final = 7
# Verbs have too many endings to tell them from those of other words.
_VERBS: Final = {
    "french": ("er", "ir", "dre", "tre", "ire"),
    "spanish": ("ar", "er", "ir"),
}
_PLAIN: Final = {
    "german": str.maketrans("äöü", "aou"),
    "spanish": str.maketrans("áéíóú", "aeiou"),
}


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


def is_form(name: str, term: str, word: str, *, within: bool = False) -> bool:
    """Whether a word is a form of a term's, where they have one stem.

    `within`: more words of the term follow.
    """
    if term == word or name not in _ENDINGS or term.endswith(_VERBS.get(name, ())):
        return True
    bases, plain = BASES.get(name, {}), _PLAIN.get(name, {})
    one = bases.get(term, term).translate(plain)
    other = bases.get(word, word).translate(plain)
    length = _shared(one, other)
    first, second = one[length:], other[length:]
    groups = [*_ENDINGS[name]]
    if within and name in _WITHIN:
        groups.append(_WITHIN[name])
    if name in _GENDERS and (within or len(term) >= _LONG):
        groups += _GENDERS[name]
    # run, running: the last letter doubled.
    doubled = one[length - 1 : length]
    return any(
        {first, second} <= endings
        or {_undoubled(first, doubled), _undoubled(second, doubled)} <= endings
        for endings in groups
    )


def _undoubled(ending: str, letter: str) -> str:
    return ending[1:] if letter and ending.startswith(letter) and len(ending) > 1 else ending


def _shared(one: str, other: str) -> int:
    """How many letters two words begin with alike."""
    differing = (at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1])
    return next(differing, min(len(one), len(other)))
