"""The entries that are nearest to each by what they say."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from app.knowledge.detection.suggestions.items import Item

if TYPE_CHECKING:
    import numpy

MOST_NEAR: Final = 12
LEAST: Final = 0.25


class Nearness:
    """Vectors of entries, half a kilobyte and a quarter each with the local model."""

    def __init__(self, items: Sequence[Item], vectors: "Sequence[numpy.ndarray]") -> None:
        import numpy as np  # noqa: PLC0415 - the embedder has it loaded

        self._items = items
        self._matrix = np.asarray(vectors, dtype=np.float16)

    def of(self, start: int, end: int) -> list[list[tuple[Item, float]]]:
        """Of the entries from `start` to `end`: those like it, the nearest first. For a thread."""
        import numpy as np  # noqa: PLC0415 - the embedder has it loaded

        own = self._matrix[start:end].astype(np.float32)
        best: list[list[tuple[Item, float]]] = [[] for _ in range(end - start)]
        for first in range(0, len(self._items), 4096):
            block = own @ self._matrix[first : first + 4096].astype(np.float32).T
            most = min(MOST_NEAR + 1, block.shape[1])
            for row, columns in enumerate(np.argpartition(-block, most - 1, axis=1)[:, :most]):
                best[row] += [
                    (self._items[first + column], float(block[row, column]))
                    for column in columns
                    if first + column != start + row and block[row, column] >= LEAST
                ]
        for found in best:
            found.sort(key=lambda each: (-each[1], each[0].entry_id))
            del found[MOST_NEAR:]
        return best

    def between(self, one: int, other: int) -> float:
        import numpy as np  # noqa: PLC0415 - the embedder has it loaded

        return float(self._matrix[one].astype(np.float32) @ self._matrix[other].astype(np.float32))
