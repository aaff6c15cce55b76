"""What every embedder can do."""

from collections.abc import Sequence
from typing import Literal, Protocol

# Some models embed a question otherwise than what answers it; others take no notice.
Purpose = Literal["document", "query"]


class Embedder(Protocol):
    """Turns texts into normalised vectors. `name` tells its model from every other."""

    @property
    def name(self) -> str: ...

    @property
    def dimensions(self) -> int | None:
        """How long its vectors are; None until it has made one."""
        ...

    async def embed(self, texts: Sequence[str], purpose: Purpose = "document") -> list[list[float]]:
        """Raises AppError where the model cannot be reached or is not there."""
        ...
