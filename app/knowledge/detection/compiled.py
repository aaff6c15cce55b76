"""Some dictionaries at one moment, ready to be found in texts."""

from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from app.knowledge.detection.matching.lexicon import Lexicon, Match, build, speaks
from app.knowledge.detection.senses.profiles import Profile, profile_of, unknown
from app.knowledge.dictionary.concept import Concept
from app.knowledge.dictionary.store import TermRow

MOST_PROFILES: Final = 2_000
# Before the text is looked at, what is approved is likelier to be meant than what is proposed.
PRIORS: Final[Mapping[str, float]] = {"approved": 1.0, "proposed": 0.5}
_ORDER: Final = ("preferred", "admitted", "abbreviation")


@dataclass(frozen=True, slots=True)
class Told:
    """A concept as profiles read it."""

    entry_id: UUID
    subject_fields: Sequence[str]
    definitions: Sequence[tuple[str, str]]
    examples: Sequence[tuple[str, str]]
    terms: Sequence[tuple[str, str]]


@dataclass(slots=True)
class Compiled:
    """Terms to be found, and what is known of their concepts.

    `stamp` tells when the dictionaries have changed since. `allowed` are the terms to use of each
    concept that has forbidden ones, the best first: (language, text). `forbidding` are the
    dictionaries that have any, `proposed` the concepts that nobody has approved yet.
    """

    stamp: str
    lexicon: Lexicon
    allowed: Mapping[UUID, Sequence[tuple[str, str]]]
    proposed: frozenset[UUID]
    forbidding: frozenset[UUID]
    _profiles: OrderedDict[tuple[UUID, str], Profile] = field(default_factory=OrderedDict)

    def profiles(self, wanted: Mapping[UUID, str]) -> dict[UUID, Profile]:
        """Of those concepts of which it is known what they say in their language."""
        known = {entry: self._profiles.get((entry, wanted[entry])) for entry in wanted}
        return {entry: profile for entry, profile in known.items() if profile is not None}

    def learn(
        self, missing: Mapping[UUID, str], concepts: Iterable[Concept]
    ) -> dict[UUID, Profile]:
        """Take up what concepts say; the others of those missing are gone. For a thread."""
        found = {concept.id: told(concept) for concept in concepts}
        fresh = {
            entry: profile_of(found[entry], language, self._prior(entry))
            if entry in found
            else unknown(entry)
            for entry, language in missing.items()
        }
        for entry, profile in fresh.items():
            self._profiles[entry, missing[entry]] = profile
        while len(self._profiles) > MOST_PROFILES:
            self._profiles.popitem(last=False)
        return fresh

    def _prior(self, entry: UUID) -> float:
        return PRIORS["proposed" if entry in self.proposed else "approved"]

    def instead_of(self, match: Match) -> tuple[str, ...]:
        """What to use in place of a forbidden term: in its language, if there is anything."""
        every = self.allowed.get(match.term.entry_id, ())
        own = [text for language, text in every if speaks(language, (match.term.language,))]
        return tuple(dict.fromkeys(own or [text for _, text in every]))


def compile_terms(stamp: str, rows: Sequence[TermRow]) -> Compiled:
    """For a thread: tens of milliseconds for ten thousand terms."""
    forbidden = {row.entry_id for row in rows if row.status == "forbidden"}
    allowed: dict[UUID, list[tuple[int, str, str]]] = defaultdict(list)
    for row in rows:
        if row.entry_id in forbidden and row.status in _ORDER:
            allowed[row.entry_id].append((_ORDER.index(row.status), row.language, row.text))
    return Compiled(
        stamp,
        build(rows),
        {
            entry: [(language, text) for _, language, text in sorted(own, key=lambda one: one[0])]
            for entry, own in allowed.items()
        },
        frozenset(row.entry_id for row in rows if row.entry_status == "proposed"),
        frozenset(row.dictionary_id for row in rows if row.status == "forbidden"),
    )


def told(concept: Concept) -> Told:
    entry = concept.entry
    return Told(
        entry.id,
        tuple(entry.subject_fields),
        [(each["language"], each["text"]) for each in entry.definitions],
        [(each["language"], each["text"]) for each in entry.examples],
        [(term.language, term.text) for term in concept.terms if term.status != "forbidden"],
    )
