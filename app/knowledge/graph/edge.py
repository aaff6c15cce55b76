"""What the graph's routes have in common: who may look and write, and through which sources."""

from typing import Annotated

from fastapi import Depends, Request

from app.core.auth import Access, Permission
from app.core.http.guard import require
from app.knowledge.graph.sight import Sources

Reader = Annotated[Access, require(Permission.GRAPH_READ)]
Writer = Annotated[Access, require(Permission.GRAPH_WRITE)]


def _sources_of(request: Request) -> Sources:
    sources: Sources = request.app.state.knowledge.sources
    return sources


SourcesDep = Annotated[Sources, Depends(_sources_of)]
