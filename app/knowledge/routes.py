"""The routers of this room, in the order in which a newcomer reads them."""

from typing import Final

from app.core.http.late_router import LateRouter
from app.knowledge.detection.routes import ROUTERS as DETECTION
from app.knowledge.dictionary.routes import ROUTERS as DICTIONARY
from app.knowledge.exchange.routes import ROUTERS as EXCHANGE
from app.knowledge.graph.routes import ROUTERS as GRAPH
from app.knowledge.ingestion.routes import ROUTERS as DOCUMENTS

# An entry's id is taken by what comes after its search.
ROUTERS: Final = (
    LateRouter("app.knowledge.search.router", "/v1/search"),
    LateRouter("app.knowledge.evaluations.router", "/v1/search"),
    LateRouter("app.knowledge.evaluations.router:sets_router", "/v1/search"),
    LateRouter("app.knowledge.search.router:entries_router", "/v1/dictionary"),
    *DICTIONARY,
    *DETECTION,
    *DOCUMENTS,
    *GRAPH,
    *EXCHANGE,
)
