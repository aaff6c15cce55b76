"""The graph's routers, in the order in which a newcomer reads them."""

from app.knowledge.graph.entities.router import router as entities
from app.knowledge.graph.extraction.router import router as extractions
from app.knowledge.graph.merges.router import router as merges
from app.knowledge.graph.relations.router import router as relations
from app.knowledge.graph.schemata.router import router as schemas
from app.knowledge.graph.walks.router import router as walks

ROUTERS = (schemas, extractions, merges, walks, entities, relations)
