"""What a stream costs a plain reader: httpx2 and orjson, with nothing around them."""

import asyncio
import time

import httpx2
import orjson


def cpu_of_reading(url: str, model: str, count: int) -> float:
    """CPU milliseconds of this process for one stream, every event parsed."""
    return asyncio.run(_read(url, model, count))


async def _read(url: str, model: str, count: int) -> float:
    body = {"model": model, "stream": True, "max_tokens": 1000}
    body["messages"] = [{"role": "user", "content": "Hi"}]
    async with httpx2.AsyncClient(timeout=60) as client:
        await _stream(client, url, body)
        before = time.process_time()
        for _ in range(count):
            await _stream(client, url, body)
        return (time.process_time() - before) * 1000 / count


async def _stream(client: httpx2.AsyncClient, url: str, body: dict) -> None:
    events = 0
    async with client.stream("POST", url, json=body) as answer:
        async for line in answer.aiter_lines():
            if line.startswith("data: ") and line != "data: [DONE]":
                orjson.loads(line[6:])
                events += 1
    if events < 500:
        raise SystemExit(f"Only {events} events came of {url}.")
