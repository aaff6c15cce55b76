"""What a scripted provider may do to a request, whole or streamed."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from random import Random
from typing import TYPE_CHECKING, Any, Final

import orjson

from app.inference.providers.demo.http import HttpExchange

if TYPE_CHECKING:
    from tests.inference.chaos.providers import Scripted, Served

Act = Callable[["Scripted", HttpExchange, "Served", Random, dict[str, Any]], Awaitable[None]]
STATUSES: Final = (500, 502, 503, 529)
PAGE: Final = b"<html><body>504 Gateway Time-out</body></html>"
HALF: Final = b'data: {"half": \n\n'
LONGEST_PAUSE: Final = 0.01
LONG_PAUSE: Final = 0.15


async def refuse(provider, exchange, served, rng, body) -> None:
    code = rng.choice(STATUSES)
    await exchange.send(code, orjson.dumps(provider.error(code, "The script says no.")))


async def limit(provider, exchange, served, rng, body) -> None:
    headers = rng.choice(({}, {"retry-after": "0"}, {"retry-after": "1"}))
    document = provider.error(429, "Too many requests.")
    await exchange.send(429, orjson.dumps(document), headers=headers)


async def drop(provider, exchange, served, rng, body) -> None:
    exchange.abort()


async def stay_silent(provider, exchange, served, rng, body) -> None:
    await exchange.until_gone()


async def send_page(provider, exchange, served, rng, body) -> None:
    await exchange.send(200, PAGE, rng.choice(("text/html", "application/json")))


# Streams.
async def write(provider, exchange, served, frames, rng, pause=LONGEST_PAUSE) -> None:
    """Some frames at once, some after a pause; a gone client is found by who watches it."""
    for frame in frames:
        await exchange.write(frame)
        served.written += 1
        if rng.random() < 0.3:
            await asyncio.sleep(rng.random() * pause)


async def write_some(provider, exchange, served, rng, body) -> None:
    frames = provider.frames(provider.said(served), body)
    await exchange.start()
    await write(provider, exchange, served, frames[: rng.randrange(1, len(frames))], rng)


async def stream_well(provider, exchange, served, rng, body, pause=LONGEST_PAUSE) -> None:
    frames = provider.frames(provider.said(served), body)
    await exchange.start()
    await write(provider, exchange, served, frames[:-1], rng, pause)
    # Nobody waits for what may come after the closing frame.
    await exchange.write(frames[-1])
    served.written, served.finished = len(frames), True
    await exchange.end()


async def stream_slowly(provider, exchange, served, rng, body) -> None:
    await stream_well(provider, exchange, served, rng, body, LONG_PAUSE)


async def stream_without_end(provider, exchange, served, rng, body) -> None:
    """A word every few milliseconds, and nothing after the last one."""
    frames = provider.frames(provider.said(served), body)[:-1]
    await exchange.start()
    for frame in frames:
        await exchange.write(frame)
        await asyncio.sleep(LONGEST_PAUSE)
    await asyncio.Event().wait()


async def drop_in_the_middle(provider, exchange, served, rng, body) -> None:
    await write_some(provider, exchange, served, rng, body)
    exchange.abort()


async def end_too_early(provider, exchange, served, rng, body) -> None:
    await write_some(provider, exchange, served, rng, body)
    await exchange.end()


async def go_silent(provider, exchange, served, rng, body) -> None:
    await write_some(provider, exchange, served, rng, body)
    await asyncio.Event().wait()


async def open_and_stay_silent(provider, exchange, served, rng, body) -> None:
    await exchange.start()
    await asyncio.Event().wait()


async def break_into_garbage(provider, exchange, served, rng, body) -> None:
    await write_some(provider, exchange, served, rng, body)
    await exchange.write(rng.choice((HALF, b"data: \xff\xfe\n\n", PAGE + b"\n\n")))
    await exchange.end()


async def fail_in_the_middle(provider, exchange, served, rng, body) -> None:
    await write_some(provider, exchange, served, rng, body)
    await exchange.write(provider.in_band())
    await exchange.end()


async def wait_in_silence(provider, exchange, served, rng, body) -> None:
    await asyncio.Event().wait()


# Whole answers.
async def answer_well(provider, exchange, served, rng, body, pause=LONGEST_PAUSE) -> None:
    await asyncio.sleep(rng.random() * pause)
    document = provider.whole(provider.said(served), body)
    await exchange.send(200, orjson.dumps(document))
    served.finished = True


async def answer_slowly(provider, exchange, served, rng, body) -> None:
    await answer_well(provider, exchange, served, rng, body, LONG_PAUSE)


async def answer_half(provider, exchange, served, rng, body) -> None:
    document = orjson.dumps(provider.whole(provider.said(served), body))
    length = {"content-length": str(len(document))}
    await exchange.send(200, document[: len(document) // 2], headers=length)
    exchange.abort()


async def answer_with_an_error(provider, exchange, served, rng, body) -> None:
    await exchange.send(200, orjson.dumps(provider.error(503, "Overloaded")))


STREAMED: Final[Mapping[str, Act]] = {
    "well": stream_well,
    "slow": stream_slowly,
    "drop": drop,
    "drop_mid": drop_in_the_middle,
    "early_end": end_too_early,
    "status": refuse,
    "limited": limit,
    "garbage": send_page,
    "garbage_mid": break_into_garbage,
    "error_mid": fail_in_the_middle,
    "silence": wait_in_silence,
    "silent_start": open_and_stay_silent,
    "silence_mid": go_silent,
    "endless": stream_without_end,
}
WHOLE: Final[Mapping[str, Act]] = {
    "well": answer_well,
    "slow": answer_slowly,
    "drop": drop,
    "drop_mid": answer_half,
    "status": refuse,
    "limited": limit,
    "garbage": send_page,
    "error_mid": answer_with_an_error,
    "silence": stay_silent,
}
# Two thirds of the requests are answered well.
USUAL: Final[Mapping[str, float]] = {
    **dict.fromkeys(STREAMED, 3.0),
    "well": 50.0,
    "slow": 16.0,
    "silence": 1.0,
    "silent_start": 1.0,
    "endless": 0.0,
}
DARK: Final[Mapping[str, float]] = {"status": 3.0, "drop": 2.0, "garbage": 1.0, "silence": 0.2}
WELL: Final[Mapping[str, float]] = {"well": 1.0}
