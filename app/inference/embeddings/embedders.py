"""Which embedder embeds for whom."""

from app.core.db import Database
from app.inference.embeddings.cached import CachedEmbedder
from app.inference.embeddings.embedder import Embedder
from app.inference.embeddings.errors import EmbeddingModelUnknown
from app.inference.embeddings.local import LocalEmbedder
from app.inference.embeddings.provided import Embedding, ProvidedEmbedder
from app.inference.embeddings.serving import REFERENCE
from app.inference.embeddings.wires import wire_of
from app.inference.integrations.directory import Directory, Target
from app.inference.usage.payer import Payer


class Embedders:
    """The local one for whoever names none.

    `embedding` asks an integration, and has it paid; it is set once calls can be made.
    """

    def __init__(self, directory: Directory, local: LocalEmbedder, database: Database) -> None:
        self.local = local
        self._database = database
        self.embedding: Embedding | None = None
        self._directory = directory

    async def of(self, payer: Payer, model: str | None) -> Embedder:
        """Raises EmbeddingModelUnknown."""
        if model is None or model == REFERENCE:
            return self.local
        if self.embedding is None:
            raise EmbeddingModelUnknown
        return ProvidedEmbedder(payer, await self._target(payer, model), self.embedding)

    async def cached(self, payer: Payer, model: str | None) -> Embedder:
        """One that embeds no document twice for a workspace; raises EmbeddingModelUnknown."""
        embedder = await self.of(payer, model)
        return CachedEmbedder(embedder, self._database, payer.workspace_id)

    async def _target(self, payer: Payer, model: str) -> Target:
        slug, _, name = model.partition("/")
        for endpoint in await self._directory.endpoints(payer.workspace_id):
            if endpoint.slug == slug and name and wire_of(endpoint) is not None:
                return Target(endpoint, name)
        raise EmbeddingModelUnknown(
            f"`{model[:200]}` names no model of an integration that can embed."
        )
