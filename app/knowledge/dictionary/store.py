"""The termbase as the rooms beside it use it: read what holds, and write whole entries."""

from app.knowledge.dictionary.entries.crud import entries, entries_after
from app.knowledge.dictionary.entries.finding import terms_beginning
from app.knowledge.dictionary.entries.holding import (
    TermRow,
    default_dictionaries,
    load_terms,
    stamp,
)
from app.knowledge.dictionary.entries.importing import Upserted, upsert_entry

__all__ = [
    "TermRow",
    "Upserted",
    "default_dictionaries",
    "entries",
    "entries_after",
    "load_terms",
    "stamp",
    "terms_beginning",
    "upsert_entry",
]
