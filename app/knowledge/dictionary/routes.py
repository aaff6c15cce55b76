"""The routers of dictionaries and their entries."""

from app.knowledge.dictionary.dictionaries.router import router as dictionaries
from app.knowledge.dictionary.entries.history_router import router as history
from app.knowledge.dictionary.entries.router import router as entries

ROUTERS = (dictionaries, entries, history)
