"""The JSON Schema of the language, as it is sent."""

import hashlib
from functools import lru_cache
from typing import NamedTuple

import orjson

from app.automation.language.schema import language_schema
from app.automation.nodes.registry import NodeTypes


class Described(NamedTuple):
    content: bytes
    etag: str


@lru_cache(maxsize=4)
def described(types: NodeTypes) -> Described:
    """Made once: it takes some time."""
    content = orjson.dumps(language_schema(types))
    return Described(content, f'"{hashlib.sha256(content).hexdigest()[:32]}"')
