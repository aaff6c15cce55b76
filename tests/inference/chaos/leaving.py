"""Clients who leave in the middle of a stream, and the moment at which they did."""

import asyncio
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

import orjson

from tests.inference.chaos.clients import ROUTE, openai_body
from tests.inference.chaos.tasks import Task


@dataclass(frozen=True)
class Left:
    """`heard` are the answer's words that had come when the client hung up."""

    task: Task
    at: float
    heard: int


async def leave_early(address: str, key: str, task: Task, words: int, model: str = ROUTE) -> Left:
    """Ask for a stream, and hang up after so many words of it."""
    place = urlsplit(address)
    body = orjson.dumps(openai_body(model, task, True))
    head = (
        f"POST /openai/v1/chat/completions HTTP/1.1\r\nhost: {place.netloc}\r\n"
        f"authorization: Bearer {key}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    try:
        writer.write(head.encode() + body)
        heard = b""
        while (count := heard.count(f'"{task.name}.'.encode())) < words:
            piece = await reader.read(65536)
            assert piece, heard[-500:]
            heard += piece
        return Left(task, time.monotonic(), count)
    finally:
        writer.transport.abort()
