"""What makes two requests the same: all that can change the answer, and nothing else."""

import hashlib
from dataclasses import dataclass
from typing import Any, Final

import orjson

# Who asks, how the answer is to come, and what is kept of it elsewhere.
VOLATILE: Final = frozenset(
    {
        "user", "stream", "stream_options", "metadata", "store", "service_tier",
        "prompt_cache_key", "prompt_cache_retention", "safety_identifier",
    }
)  # fmt: skip
CONVERSATIONS: Final = ("messages", "contents", "input")


@dataclass(frozen=True, slots=True)
class Question:
    """The last message of a user in words, and the digest of everything around it."""

    text: str
    context: str


def digest(*of: Any) -> str:
    return hashlib.sha256(orjson.dumps(of, option=orjson.OPT_SORT_KEYS)).hexdigest()


def canonical(document: dict[str, Any]) -> dict[str, Any]:
    """A request's document without what does not change its answer."""
    return {name: value for name, value in document.items() if name not in VOLATILE}


def question_of(document: dict[str, Any]) -> Question | None:
    """What a request asks, apart from its context; None where that is not words alone."""
    for name in CONVERSATIONS:
        said = document.get(name)
        if isinstance(said, str):
            return Question(said, digest({**document, name: None}))
        if isinstance(said, list) and said:
            text = words_of(said[-1])
            if text is None:
                return None
            around = {k: v for k, v in said[-1].items() if k not in ("content", "parts")}
            return Question(text, digest({**document, name: [*said[:-1], around]}))
    return None


def words_of(message: Any) -> str | None:
    """The text of a user's message in any of the dialects; None for any other message."""
    if not isinstance(message, dict) or message.get("role", "user") != "user":
        return None
    content = message.get("content", message.get("parts"))
    if isinstance(content, str):
        return content or None
    if not isinstance(content, list) or not content:
        return None
    texts = [part.get("text") if isinstance(part, dict) else None for part in content]
    if not all(isinstance(text, str) for text in texts):
        return None
    return "\n".join(str(text) for text in texts) or None


def temperature_of(document: dict[str, Any]) -> Any:
    """The temperature that a request asks for, in any of the dialects."""
    settings = document.get("generationConfig")
    where = settings if isinstance(settings, dict) else document
    return where.get("temperature")
