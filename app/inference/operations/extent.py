"""What an operation is paid for beside tokens, as far as the request tells: pictures and sound."""

from typing import Final

from app.inference.dialects.checks import integer
from app.inference.operations.content import Content, FormContent
from app.inference.operations.table import Operation

MOST_IMAGES: Final = 128
# Speech is about so long a character, and a recording so many bytes a second at the least.
MILLISECONDS_A_CHARACTER: Final = 70
BYTES_A_SECOND: Final = 4000
MOST_MILLISECONDS: Final = 2**31 - 1


def images_of(operation: Operation, content: Content) -> int:
    """How many pictures are asked for, each of which is paid; 0 of what makes none.

    Raises RequestInvalid for what another reader might take for another number.
    """
    if operation.feature != "images":
        return 0
    asked = content.get("n")
    if isinstance(asked, str) and asked.isascii() and asked.isdecimal() and len(asked) < 9:
        asked = int(asked)
    found = integer(asked, "n", 1, MOST_IMAGES)
    return 1 if found is None else found


def milliseconds_of(operation: Operation, content: Content) -> int:
    """How long the sound is that is heard or made, roughly; an answer may tell it better."""
    if operation.feature != "audio":
        return 0
    if isinstance(content, FormContent):
        length = len(content.body) * 1000 // BYTES_A_SECOND
    else:
        length = len(str(content.get("input") or "")) * MILLISECONDS_A_CHARACTER
    return min(length, MOST_MILLISECONDS)
