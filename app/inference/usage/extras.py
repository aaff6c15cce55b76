"""What a request holds beside its text: nobody can tell how many tokens that comes to."""

from collections.abc import Iterable
from dataclasses import dataclass

from app.inference.providers.types import FilePart, ImagePart, Message, Part, ToolResultPart


@dataclass(frozen=True, slots=True)
class Extras:
    """Pictures, files whose bytes are known (`files`, of `file_bytes` together), and the rest.

    `boundless` counts inputs of which only their provider knows how long they are: files by
    address or id, earlier turns that it keeps. `hosted` names tools that the provider runs itself.
    """

    pictures: int = 0
    files: int = 0
    file_bytes: int = 0
    boundless: int = 0
    hosted: tuple[str, ...] = ()


NOTHING = Extras()


def nothing() -> Extras:
    return NOTHING


def extras_in(messages: Iterable[Message]) -> Extras:
    """Those of a request of our own."""
    parts = [part for message in messages for part in all_parts(message.parts)]
    files = [part for part in parts if isinstance(part, FilePart)]
    known = [part.data for part in files if part.data is not None]
    return Extras(
        pictures=sum(isinstance(part, ImagePart) for part in parts),
        files=len(known),
        file_bytes=sum(map(len, known)),
        boundless=len(files) - len(known),
    )


def all_parts(parts: Iterable[Part]) -> Iterable[Part]:
    for part in parts:
        yield part
        if isinstance(part, ToolResultPart):
            yield from part.attachments
