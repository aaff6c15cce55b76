"""Vectors of what concepts say of themselves and of what stands around terms, kept by content."""

import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from app.inference.embeddings.embedder import Embedder

if TYPE_CHECKING:
    import numpy

MOST_KEPT: Final = 20_000


class KeptVectors:
    """Half-precision vectors by the text they are of: 15 MB at most with the local model."""

    def __init__(self, most: int = MOST_KEPT) -> None:
        self._most = most
        self._kept: OrderedDict[bytes, numpy.ndarray] = OrderedDict()

    async def of(self, embedder: Embedder, texts: Iterable[str]) -> Mapping[str, "numpy.ndarray"]:
        """Raises AppError where the embedder cannot be asked."""
        wanted = {text: _key(embedder.name, text) for text in texts}
        missing = [text for text, key in wanted.items() if key not in self._kept]
        if missing:
            fresh = await embed(embedder, missing)
            for text, vector in zip(missing, fresh, strict=True):
                self._kept[wanted[text]] = vector
        found = {}
        for text, key in wanted.items():
            self._kept.move_to_end(key)
            found[text] = self._kept[key]
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return found


async def embed(embedder: Embedder, texts: Sequence[str]) -> "list[numpy.ndarray]":
    """Texts of like length together: a batch is padded to its longest."""
    import numpy as np  # noqa: PLC0415 - the embedder has it loaded

    order = sorted(range(len(texts)), key=lambda at: len(texts[at]))
    vectors = await embedder.embed([texts[at] for at in order])
    found: list[numpy.ndarray] = [np.empty(0)] * len(texts)
    for at, vector in zip(order, vectors, strict=True):
        found[at] = np.asarray(vector, dtype=np.float16)
    return found


def _key(name: str, text: str) -> bytes:
    return hashlib.sha256(f"{name}\0{text}".encode(errors="surrogatepass")).digest()
