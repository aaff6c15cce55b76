"""All that takes documents in, opened for one process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.core.kernel import Kernel
from app.inference.embeddings.embedders import Embedders
from app.knowledge.ingestion.beside import Beside
from app.knowledge.ingestion.embedding import Embedding
from app.knowledge.ingestion.intake import Intake
from app.knowledge.ingestion.recutting import Recutting
from app.knowledge.ingestion.reindexing import Reindexing
from app.knowledge.ingestion.rolling_back import RollingBack
from app.knowledge.ingestion.work import Ingestion
from app.knowledge.parsing.limits import ParseLimits
from app.knowledge.parsing.parse import Parsers
from app.knowledge.passages.indexer import Indexer
from app.knowledge.storage.files import Files
from app.runs.runs.work import Work


@asynccontextmanager
async def open_ingestion(
    kernel: Kernel, indexer: Indexer, embedders: Embedders, files: Files
) -> AsyncIterator[tuple[Work, ...]]:
    """The works of runs that take documents in; they share a process's room."""
    at_once = kernel.settings.ingestion_concurrency
    reading, embedding = asyncio.Semaphore(at_once), asyncio.Semaphore(at_once)
    parsers = Parsers(at_once)
    limits = ParseLimits(file_bytes=kernel.settings.max_document_bytes)
    intake = Intake(kernel.database, files, kernel.outbound, parsers, limits)
    finishing = Embedding(kernel.database, indexer, embedding)
    beside = Beside(kernel.database, indexer, embedding)
    recutting = Recutting(kernel.database, intake, embedders, beside)
    try:
        yield (
            Ingestion(intake, finishing, reading),
            Reindexing(kernel.database, embedders, beside, recutting),
            RollingBack(kernel.database, intake, finishing),
        )
    finally:
        await parsers.close()
