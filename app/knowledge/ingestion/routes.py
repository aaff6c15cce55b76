"""The routers of collections and documents, in the order in which a newcomer reads them."""

import re
from typing import Final

from app.core.http.body_limit import Larger
from app.knowledge.collections.documents_router import of_collection as documents_of_collection
from app.knowledge.collections.documents_router import router as documents
from app.knowledge.collections.router import router as collections
from app.knowledge.collections.shares import router as shares
from app.knowledge.collections.snapshots_router import router as snapshots
from app.knowledge.ingestion.collection_router import router as whole_collections
from app.knowledge.ingestion.router import FORM_BYTES, UPLOADS
from app.knowledge.ingestion.router import of_collection as intake_of_collection
from app.knowledge.ingestion.router import router as intake

ROUTERS: Final = (
    collections,
    shares,
    snapshots,
    whole_collections,
    documents_of_collection,
    intake_of_collection,
    documents,
    intake,
)


def uploads(most_bytes: int) -> Larger:
    """The paths whose bodies are files."""
    return Larger(re.compile(UPLOADS), most_bytes + FORM_BYTES)
