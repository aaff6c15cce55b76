"""An embedder that embeds no text twice for a workspace."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from app.core.db import Database, Scope
from app.inference.embeddings import crud
from app.inference.embeddings.embedder import Embedder, Purpose
from app.inference.embeddings.packing import packed, unpacked


@dataclass(frozen=True, slots=True)
class CachedEmbedder:
    """An Embedder of documents over another one, whose vectors are kept by their text's digest.

    Questions are asked of it as they come: few come twice.
    """

    embedder: Embedder
    database: Database
    workspace_id: UUID

    @property
    def name(self) -> str:
        return self.embedder.name

    @property
    def dimensions(self) -> int | None:
        return self.embedder.dimensions

    async def embed(self, texts: Sequence[str], purpose: Purpose = "document") -> list[list[float]]:
        if purpose != "document" or not texts:
            return await self.embedder.embed(texts, purpose)
        digests = [hashlib.sha256(text.encode(errors="replace")).digest() for text in texts]
        async with self.database.unit(Scope(self.workspace_id)) as session:
            kept = await crud.find(session, self.workspace_id, self.name, list(set(digests)))
        vectors = {digest: unpacked(stored) for digest, stored in kept.items()}
        missing = {
            digest: text
            for digest, text in zip(digests, texts, strict=True)
            if digest not in vectors
        }
        if missing:
            vectors |= await self._embed(missing)
            if len({len(vector) for vector in vectors.values()}) > 1:
                # The model is not the one that it was: what it made before is of no use.
                vectors = await self._embed(dict(zip(digests, texts, strict=True)))
        return [vectors[digest] for digest in digests]

    async def _embed(self, missing: Mapping[bytes, str]) -> dict[bytes, list[float]]:
        made = await self.embedder.embed(list(missing.values()), "document")
        found = dict(zip(missing, made, strict=True))
        stored = {digest: packed(vector) for digest, vector in found.items()}
        async with self.database.unit(Scope(self.workspace_id)) as session:
            await crud.keep(session, self.workspace_id, self.name, stored)
        return found
