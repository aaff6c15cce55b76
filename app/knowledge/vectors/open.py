"""The store of vectors that this process uses."""

from app.core.config import InvalidSettings
from app.core.kernel import Kernel
from app.knowledge.vectors.index import VectorIndex
from app.knowledge.vectors.pgvector import PgVectorIndex
from app.knowledge.vectors.qdrant import QdrantIndex


async def open_index(kernel: Kernel) -> VectorIndex:
    """The one that is set; raises InvalidSettings where it cannot be used."""
    return await open_store(kernel, kernel.settings.vectors)


async def open_store(kernel: Kernel, name: str) -> VectorIndex:
    """`qdrant` or `pgvector`; raises InvalidSettings where it cannot be used."""
    if name == "pgvector":
        beside = PgVectorIndex(kernel.database)
        await beside.check()
        return beside
    if kernel.vectors is None:
        raise InvalidSettings("This process was started without a vector store.")
    return QdrantIndex(kernel.vectors)
