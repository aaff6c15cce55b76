"""Where another candidate took over an answer that broke off."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Seam:
    """`offset` counts the characters of text that stood already, `reason` is an error's code.

    `before` and `after` are references of models.
    """

    offset: int
    before: str
    after: str
    reason: str

    def told(self) -> dict[str, Any]:
        """As it stands in events, messages and comments."""
        return {"offset": self.offset, "from": self.before, "to": self.after, "reason": self.reason}
