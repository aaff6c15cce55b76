"""What a room gives to be found: a subject, and its pieces."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

# The text search configurations that Postgres brings, by language.
CONFIGS: Final = {
    "ar": "arabic",
    "hy": "armenian",
    "eu": "basque",
    "ca": "catalan",
    "da": "danish",
    "nl": "dutch",
    "en": "english",
    "fi": "finnish",
    "fr": "french",
    "de": "german",
    "el": "greek",
    "hi": "hindi",
    "hu": "hungarian",
    "id": "indonesian",
    "ga": "irish",
    "it": "italian",
    "lt": "lithuanian",
    "ne": "nepali",
    "no": "norwegian",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sr": "serbian",
    "es": "spanish",
    "sv": "swedish",
    "ta": "tamil",
    "tr": "turkish",
    "yi": "yiddish",
}


def config_of(language: str | None) -> str:
    """The text search configuration for a language tag (`de-AT`); `simple` for any other."""
    return CONFIGS.get((language or "").partition("-")[0].lower(), "simple")


@dataclass(frozen=True, slots=True)
class Subject:
    """A document, entry or message whose passages are kept together.

    `embedding_model` is a reference as integrations have them; None is the local one. `user_id`
    says whose own it is, where it is not the workspace's; `created_by_id` pays for embeddings.
    """

    workspace_id: UUID
    kind: str
    id: UUID
    created_by_id: UUID
    parent_id: UUID | None = None
    user_id: UUID | None = None
    embedding_model: str | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """A piece of a subject. What is embedded is its title, heading and text."""

    text: str
    title: str = ""
    heading: str = ""
    language: str | None = None
    locator: Mapping[str, Any] = field(default_factory=dict)

    @property
    def sha256(self) -> bytes:
        """Tells what would be embedded from all else."""
        return hashlib.sha256(embedded(self.title, self.heading, self.text).encode()).digest()


@dataclass(frozen=True, slots=True)
class Ready:
    """Pieces whose vectors are kept already, in a space: the passages' ids by their content."""

    space: str
    ids: Mapping[bytes, list[UUID]]


def embedded(title: str, heading: str, text: str) -> str:
    """The text that a passage's vector is of."""
    return "\n".join(part for part in (title, heading, text) if part)
