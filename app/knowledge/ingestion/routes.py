"""The routers of collections and documents, in the order in which a newcomer reads them."""

import re
from typing import Final

from app.core.http.body_limit import Larger
from app.core.http.late_router import LateRouter

# Beside the file itself, what a form needs to hold it.
FORM_BYTES: Final = 64 * 1024
UPLOADS: Final = r"/v1/collections/[^/]+/documents|/v1/documents/[^/]+/versions"

ROUTERS: Final = (
    LateRouter("app.knowledge.collections.router", "/v1/collections"),
    LateRouter("app.knowledge.collections.shares", "/v1/collections"),
    LateRouter("app.knowledge.collections.snapshots_router", "/v1/collections"),
    LateRouter("app.knowledge.ingestion.collection_router", "/v1/collections"),
    LateRouter("app.knowledge.collections.documents_router:of_collection", "/v1/collections"),
    LateRouter("app.knowledge.ingestion.router:of_collection", "/v1/collections"),
    LateRouter("app.knowledge.collections.documents_router", "/v1/documents"),
    LateRouter("app.knowledge.ingestion.router", "/v1/documents"),
)


def uploads(most_bytes: int) -> Larger:
    """The paths whose bodies are files."""
    return Larger(re.compile(UPLOADS), most_bytes + FORM_BYTES)
