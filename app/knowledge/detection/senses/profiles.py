"""What each concept is about, as far as it helps to tell it from others of the same word."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol
from uuid import UUID

from app.knowledge.detection.senses.bags import bag_of

# What is read of one concept: so many of its texts, each so far.
MOST_EXAMPLES: Final = 6
MOST_DEFINITIONS: Final = 3
MOST_TERMS: Final = 20
_LONGEST: Final = 600


class Worded(Protocol):
    """A concept, as far as it is read here: definitions and examples are `{language, text}`."""

    @property
    def entry_id(self) -> UUID: ...
    @property
    def subject_fields(self) -> Sequence[str]: ...
    @property
    def definitions(self) -> Sequence[tuple[str, str]]: ...
    @property
    def examples(self) -> Sequence[tuple[str, str]]: ...
    @property
    def terms(self) -> Sequence[tuple[str, str]]: ...


@dataclass(frozen=True, slots=True)
class Profile:
    """One concept as seen from one language: what is embedded of it, and its telling words.

    `prior` says how likely it is before the text is looked at, next to others.
    """

    entry_id: UUID
    texts: tuple[str, ...]
    bag: frozenset[str]
    prior: float = 1.0

    @property
    def known(self) -> bool:
        """Whether the concept says anything of itself."""
        return bool(self.texts)


def profile_of(concept: Worded, language: str, prior: float = 1.0) -> Profile:
    """What is written in the language counts; other languages only where there is nothing in it."""
    definitions = _in(concept.definitions, language, MOST_DEFINITIONS)
    examples = _in(concept.examples, language, MOST_EXAMPLES)
    fields = ", ".join(concept.subject_fields)
    terms = _in(concept.terms, language, MOST_TERMS)
    name = terms[0] if terms else ""
    head = f"{name} ({fields})" if fields else name
    texts = [f"{head}: {text}"[:_LONGEST] for text in definitions[:1]]
    if not texts and fields:
        texts = [head]
    texts += examples
    words = " . ".join([fields, *terms, *definitions, *examples])
    return Profile(concept.entry_id, tuple(texts), bag_of(words, language), prior)


def unknown(entry_id: UUID) -> Profile:
    """Of a concept that is not there any more."""
    return Profile(entry_id, (), frozenset())


def _in(texts: Iterable[tuple[str, str]], language: str, most: int) -> list[str]:
    every = list(texts)
    tag = language.partition("-")[0]
    own = [text for spoken, text in every if spoken.partition("-")[0] == tag]
    return [text[:_LONGEST] for text in (own or [text for _, text in every])[:most]]
