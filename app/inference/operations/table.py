"""The operations that are passed on, and what is special about each."""

from dataclasses import dataclass
from typing import Any, Final, Literal

from app.inference.operations.content import Content, JsonContent
from app.inference.operations.embeddings import EmbeddingsErrand, embeddings_errand
from app.inference.operations.errand import PassedOn
from app.inference.usage.service import estimate_text

# What a key may be kept from. Moderation goes with the chats that it is for.
Feature = Literal["embeddings", "audio", "images", "chat"]


@dataclass(frozen=True, slots=True)
class Operation:
    """`usual` is the model that is meant where none is named; `text` the field that is read.

    `sounds` where the answer is a recording, passed on while it is made.
    """

    path: str
    feature: Feature
    is_form: bool = False
    sounds: bool = False
    usual: str | None = None
    text: str | None = None

    @property
    def name(self) -> str:
        """What usage is told by: `embeddings`, `audio`, `images` or `moderations`."""
        return self.path.split("/")[1]

    def errand(self, content: Content) -> PassedOn | EmbeddingsErrand:
        """Raises RequestInvalid."""
        if self.feature == "embeddings" and isinstance(content, JsonContent):
            return embeddings_errand(content)
        streams = self.sounds or content.get("stream") in (True, "true", "True", "1")
        return PassedOn(self.path, content, streams)

    def input_tokens(self, content: Content) -> int:
        """What the input comes to as long as nobody has counted it."""
        return tokens_in(content.get(self.text)) if self.text else 0


def tokens_in(given: Any) -> int:
    """The tokens of a text, of texts, or of what is tokens already."""
    if isinstance(given, str):
        return estimate_text(given)
    if isinstance(given, list):
        return sum(1 if isinstance(each, int) else tokens_in(each) for each in given)
    return 0


OPERATIONS: Final = (
    Operation("/embeddings", "embeddings", text="input"),
    Operation("/audio/speech", "audio", sounds=True, text="input"),
    Operation("/audio/transcriptions", "audio", is_form=True),
    Operation("/audio/translations", "audio", is_form=True),
    Operation("/images/generations", "images", usual="dall-e-2", text="prompt"),
    Operation("/images/edits", "images", is_form=True, usual="dall-e-2", text="prompt"),
    Operation("/images/variations", "images", is_form=True, usual="dall-e-2"),
    Operation("/moderations", "chat", usual="omni-moderation-latest", text="input"),
)
