"""What entities and relations are recognised by: names as they are compared, and ids out of them.

An id follows from its key alone. So what is told again is the same thing again, with the id that
it had, whatever was deleted meanwhile.
"""

import re
import unicodedata
from typing import Final
from uuid import UUID, uuid5

LONGEST: Final = 200
CONCEPT: Final = "concept:"
RELATED: Final = "related_to"
# The relations that say the same from either end.
UNDIRECTED: Final = frozenset({RELATED, "related", "same_as"})
# The legal forms of firms, which a name is often written without.
FORMS: Final = frozenset(
    ("ag", "bv", "co", "corp", "corporation", "gmbh", "inc", "incorporated", "kg", "limited", "llc",
     "ltd", "nv", "plc", "sa", "sarl", "se", "spa", "srl")
)  # fmt: skip
_SPACES = re.compile(r"\s+")
_EDGES = " \t.,;:!?'\"`´’‘“”„«»()[]{}<>*_#-–—/\\|"  # noqa: RUF001 - as they are written
_WORDS = re.compile(r"\w+")


def key_of(name: str) -> str:
    """A name without the differences that make no other thing of it; empty for no name at all."""
    plain = unicodedata.normalize("NFKC", name).strip(_EDGES)
    return _SPACES.sub(" ", plain).casefold()[:LONGEST]


def concept_key(entry_id: UUID) -> str:
    """The key of a dictionary's concept, whatever it is called."""
    return f"{CONCEPT}{entry_id}"


def fold_of(name: str) -> str:
    """A name without accents, punctuation, word breaks and legal forms: equal for near ones."""
    words = _words(name)
    kept = [word for word in words if word not in FORMS] or words
    return "".join(kept)


def initials_of(name: str) -> str:
    """What a name of several words may be abbreviated as; empty for one word."""
    words = [word for word in _words(name) if word not in FORMS]
    return "".join(word[0] for word in words) if len(words) > 1 else ""


def _words(name: str) -> list[str]:
    apart = unicodedata.normalize("NFKD", name.casefold())
    return _WORDS.findall("".join(c for c in apart if not unicodedata.combining(c)))


def entity_id(workspace_id: UUID, key: str) -> UUID:
    return uuid5(workspace_id, f"graph entity\n{key}")


def relation_id(workspace_id: UUID, source_id: UUID, kind: str, target_id: UUID) -> UUID:
    """Of ends that are in order already; see `ends`."""
    return uuid5(workspace_id, f"graph relation\n{source_id}\n{kind}\n{target_id}")


def ends(source_id: UUID, kind: str, target_id: UUID) -> tuple[UUID, UUID]:
    """Both ends in the order in which they are kept: of an undirected relation the lesser first."""
    if kind in UNDIRECTED and target_id < source_id:
        return target_id, source_id
    return source_id, target_id
