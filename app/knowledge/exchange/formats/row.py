"""What readers give: concepts, or why there is none, each with its place in the file."""

from dataclasses import dataclass

from app.knowledge.exchange.concept import Concept


@dataclass(frozen=True, slots=True)
class Row:
    """A concept and the line it begins at; where it is refused, `reason` says why.

    `line` is None in formats that are not read by lines.
    """

    line: int | None
    concept: Concept | None
    reason: str = ""


class Malformed(Exception):
    """The file cannot be read on; the message says where and why."""
