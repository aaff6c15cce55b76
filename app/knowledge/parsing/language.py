"""The language that a text is in."""

from collections.abc import Collection
from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

SAMPLE: Final = 4_000
SHORTEST: Final = 20
SURE: Final = 0.8


def language_of(text: str) -> str | None:
    """An ISO 639-1 code, or None where the text is short or the language is not sure."""
    sample = text[:SAMPLE]
    if sum(character.isalpha() for character in sample) < SHORTEST:
        return None
    found, probability = identifier().classify(sample)
    return str(found) if float(probability) >= SURE else None


def likelihood(text: str, languages: Collection[str]) -> float:
    """How likely a text is in one of these, from 0 to 1."""
    ranked = identifier().rank(text[:SAMPLE])
    return sum(float(probability) for language, probability in ranked if language in languages)


@cache
def identifier() -> "LanguageIdentifier":
    """Its model, read from its package: a second and 100 MB, once a process."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # noqa: PLC0415 - as it says

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
