"""The routers of this room, in the order in which a newcomer reads them."""

from app.knowledge.detection.routes import ROUTERS as DETECTION
from app.knowledge.dictionary.routes import ROUTERS as DICTIONARY
from app.knowledge.evaluations.router import router as evaluations
from app.knowledge.evaluations.router import sets_router as question_sets
from app.knowledge.exchange.routes import ROUTERS as EXCHANGE
from app.knowledge.graph.routes import ROUTERS as GRAPH
from app.knowledge.ingestion.routes import ROUTERS as DOCUMENTS
from app.knowledge.search.router import entries_router as entry_search
from app.knowledge.search.router import router as search

# An entry's id is taken by what comes after its search.
ROUTERS = (
    search, evaluations, question_sets, entry_search, *DICTIONARY, *DETECTION, *DOCUMENTS, *GRAPH,
    *EXCHANGE,
)  # fmt: skip
