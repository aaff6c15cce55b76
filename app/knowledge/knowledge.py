"""The knowledge room, opened: what a process keeps to index, to search and to take in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from app.core.kernel import Kernel
from app.inference.inference import Inference
from app.knowledge.detection.detector import Detector
from app.knowledge.grounding.grounder import Grounder
from app.knowledge.passages.indexer import Indexer
from app.knowledge.passages.sources import Source
from app.knowledge.search.reranking import Rerankers
from app.knowledge.search.searching import Searching
from app.knowledge.vectors.index import VectorIndex
from app.knowledge.vectors.open import open_index


@dataclass(frozen=True, slots=True)
class Knowledge:
    """`sources` are those of all rooms, by kind."""

    index: VectorIndex
    indexer: Indexer
    sources: Mapping[str, Source]
    searching: Searching
    detector: Detector
    grounder: Grounder


async def open_knowledge(
    kernel: Kernel, inference: Inference, sources: Sequence[Source]
) -> Knowledge:
    """Raises InvalidSettings where the store of vectors that is set cannot be used."""
    index = await open_index(kernel)
    by_kind = {source.kind: source for source in sources}
    rerankers = Rerankers(inference.directory, inference.own)
    searching = Searching(kernel.database, inference.embedders, index, by_kind, rerankers)
    detector = Detector(kernel.database, inference.embedders.local)
    return Knowledge(
        index,
        Indexer(kernel.database, inference.embedders, index),
        by_kind,
        searching,
        detector,
        Grounder(kernel.database, searching, detector),
    )


def knowledge_of(request: Request) -> Knowledge:
    knowledge: Knowledge = request.app.state.knowledge
    return knowledge


KnowledgeDep = Annotated[Knowledge, Depends(knowledge_of)]
