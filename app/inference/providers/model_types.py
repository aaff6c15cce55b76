"""What kind of model a name stands for, where its provider does not say."""

import re
from typing import Literal

ModelType = Literal["chat", "embedding", "image", "audio", "moderation", "rerank", "other"]


_TYPES: tuple[tuple[ModelType, re.Pattern[str]], ...] = (
    ("embedding", re.compile(r"embed|^bge-|^e5-|minilm|gte-|nomic|^voyage-")),
    ("moderation", re.compile(r"moderation|guard")),
    ("rerank", re.compile(r"rerank")),
    ("image", re.compile(r"dall-e|gpt-image|-image|imagen|stable-diffusion|flux|veo|sora")),
    ("audio", re.compile(r"whisper|tts|transcribe|audio|realtime|speech|lyria")),
    ("other", re.compile(r"^(davinci|babbage|ada|curie)\b|instruct$|computer-use|aqa|codex-mini")),
)


def type_of(model: str) -> ModelType:
    name = model.lower()
    return next((kind for kind, pattern in _TYPES if pattern.search(name)), "chat")
