"""Choosing the concept of each term that is found in a text."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal
from uuid import UUID

from app.inference.embeddings.embedder import Embedder
from app.knowledge.detection.matching.lexicon import Match
from app.knowledge.detection.matching.spans import Span
from app.knowledge.detection.senses.bags import bag_of
from app.knowledge.detection.senses.profiles import Profile
from app.knowledge.detection.senses.vectors import KeptVectors
from app.knowledge.detection.senses.weighing import (
    WORDS_ONLY,
    probabilities,
    shared_words,
    weights_of,
)
from app.knowledge.detection.senses.windows import Windows

if TYPE_CHECKING:
    import numpy

How = Literal["auto", "lexical", "none"]
# Windows embedded for one text; terms beyond them are told by words alone.
MOST_WINDOWS: Final = 32
# What concepts say of themselves, embedded for one text; terms beyond are told by words alone.
MOST_TEXTS: Final = 600
# From here on, how likely a sense is by shared words, no model is asked: where words say that much
# (in one sentence of five), they are right nineteen times of twenty.
DECIDED: Final = 0.9
# Terms of several senses that are weighed in one text, and concepts that are told apart there;
# the rest get what they are alone.
MOST_WEIGHED: Final = 2_000
MOST_CONCEPTS: Final = 2_000

# How sure it is that a word in this form is the term.
EXACT: Final = 1.0
INFLECTED: Final = 0.95


@dataclass(frozen=True, slots=True)
class Sense:
    """A concept that a term may mean, and how likely it does so here."""

    match: Match
    probability: float

    @property
    def entry_id(self) -> UUID:
        return self.match.term.entry_id

    @property
    def confidence(self) -> float:
        return self.probability * (EXACT if self.match.exact else INFLECTED)


@dataclass(frozen=True, slots=True)
class Reading:
    """A span and its senses, the most likely first."""

    span: Span
    senses: tuple[Sense, ...]


@dataclass(slots=True)
class _Question:
    """One span of several senses: `window` stands around it, `words` it shares with each.

    `shares` are how likely they are, by words until they are embedded.
    """

    matches: Sequence[Match]
    profiles: Sequence[Profile]
    window: str
    words: Sequence[float]
    shares: Sequence[float]


def ambiguous(spans: Sequence[Span]) -> dict[UUID, str]:
    """The concepts to be told apart, each with the language of the term that was found."""
    found: dict[UUID, str] = {}
    for span in spans:
        senses = _by_entry(span)
        if len(senses) > 1 and len(found) + len(senses) <= MOST_CONCEPTS:
            found.update({entry: match.term.language for entry, match in senses.items()})
    return found


async def choose(
    text: str,
    spans: Sequence[Span],
    profiles: Mapping[UUID, Profile],
    how: How,
    embedder: Embedder | None,
    kept: KeptVectors,
) -> list[Reading]:
    """Weigh the senses of each span; `profiles` are those of `ambiguous`.

    Raises AppError where the embedder cannot be asked.
    """
    questions = await asyncio.to_thread(_questions, text, spans, profiles, how)
    embedded = how == "auto" and embedder is not None
    if embedded and embedder is not None and questions:
        await _embed(questions, embedder, kept)
    readings = []
    for at, span in enumerate(spans):
        question = questions.get(at)
        senses = _ordered(question.matches, question.shares) if question else None
        readings.append(Reading(span, senses or _plain(span, profiles)))
    return readings


def _questions(
    text: str, spans: Sequence[Span], profiles: Mapping[UUID, Profile], how: How
) -> dict[int, _Question]:
    windows = Windows(text)
    bags: dict[tuple[str, str], frozenset[str]] = {}
    # A term that stands in a sentence twice is read once.
    near: dict[tuple[str, tuple[UUID, ...]], str] = {}
    found: dict[int, _Question] = {}
    if how == "none":
        return found
    for at, span in enumerate(spans):
        senses = _by_entry(span)
        own = [profiles[entry] for entry in senses if entry in profiles]
        if len(senses) < 2 or len(own) < len(senses) or len(found) >= MOST_WEIGHED:
            continue
        matches = list(senses.values())
        sentence, language = windows.around(span), matches[0].term.language
        if (sentence, language) not in bags:
            bags[sentence, language] = bag_of(sentence, language)
        context = bags[sentence, language] - bag_of(matches[0].term.text, language)
        words = shared_words(context, own)
        shares = probabilities(own, words, None, WORDS_ONLY)
        window = near.setdefault((sentence, tuple(senses)), windows.near(span))
        found[at] = _Question(matches, own, window, words, shares)
    return found


async def _embed(questions: Mapping[int, _Question], embedder: Embedder, kept: KeptVectors) -> None:
    """Tell as many questions as may be by what their senses' texts are like."""
    by_window: dict[str, list[_Question]] = defaultdict(list)
    texts: set[str] = set()
    for question in questions.values():
        if max(question.shares) >= DECIDED:
            continue
        own = {text for profile in question.profiles for text in profile.texts}
        fits = question.window in by_window or len(by_window) < MOST_WINDOWS
        if fits and len(texts | own) <= MOST_TEXTS:
            by_window[question.window].append(question)
            texts |= own
    if not by_window:
        return
    vectors = await kept.of(embedder, texts | set(by_window))
    for window, asked in by_window.items():
        for question in asked:
            cosines = [_nearest(vectors[window], each, vectors) for each in question.profiles]
            weights = weights_of(question.matches[0].term.language)
            question.shares = probabilities(question.profiles, question.words, cosines, weights)


def _nearest(
    vector: "numpy.ndarray", profile: Profile, vectors: Mapping[str, "numpy.ndarray"]
) -> float:
    """How like the nearest of a concept's texts is."""
    import numpy as np  # noqa: PLC0415 - the embedder has it loaded

    if not profile.texts:
        return 0.0
    texts = np.stack([vectors[text] for text in profile.texts]).astype(np.float32)
    return float((texts @ vector.astype(np.float32)).max())


def _plain(span: Span, profiles: Mapping[UUID, Profile]) -> tuple[Sense, ...]:
    """The senses as likely as they are before the text is looked at."""
    matches = list(_by_entry(span).values())
    priors = [
        profiles[match.term.entry_id].prior if match.term.entry_id in profiles else 1.0
        for match in matches
    ]
    return _ordered(matches, [prior / sum(priors) for prior in priors])


def _ordered(matches: Sequence[Match], shares: Sequence[float]) -> tuple[Sense, ...]:
    senses = [Sense(match, share) for match, share in zip(matches, shares, strict=True)]
    return tuple(sorted(senses, key=lambda sense: (-sense.confidence, str(sense.entry_id))))


def _by_entry(span: Span) -> dict[UUID, Match]:
    """One match a concept; the span has the best ones first."""
    found: dict[UUID, Match] = {}
    for match in span.matches:
        found.setdefault(match.term.entry_id, match)
    return found
