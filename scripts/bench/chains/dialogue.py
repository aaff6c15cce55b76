"""How a benchmark and the programs that it measures talk: a line of JSON each way.

Only the standard library: the programs run on their own packages.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

READY = "ready"
Act = Callable[..., Awaitable[dict[str, Any]]]
Run = Callable[[int], Awaitable[None]]


def obey(acts: Mapping[str, Act]) -> Awaitable[None]:
    """Do what standard input asks for, one thing after the other, until it ends."""
    # What a library prints must not be taken for an answer.
    answers, sys.stdout = sys.stdout, sys.stderr
    return _obey(acts, lambda told: print(json.dumps(told), file=answers, flush=True))


async def _obey(acts: Mapping[str, Act], answer: Callable[[Any], None]) -> None:
    answer(READY)
    while line := await asyncio.to_thread(sys.stdin.readline):
        asked = json.loads(line)
        answer(await acts[asked.pop("act")](**asked))


def chains(run: Run) -> dict[str, Act]:
    """The acts of an engine whose `run` has so many steps done in a row, to the end."""

    async def together(at_once: int, rounds: int, steps: int) -> dict[str, Any]:
        async def client() -> None:
            for _ in range(rounds):
                await run(steps)

        began = time.perf_counter()
        await asyncio.gather(*(client() for _ in range(at_once)))
        return {"seconds": time.perf_counter() - began}

    async def alone(runs: int, steps: int) -> dict[str, Any]:
        taken = []
        for _ in range(runs):
            began = time.perf_counter()
            await run(steps)
            taken.append((time.perf_counter() - began) * 1000)
        return {"ms": taken}

    return {"together": together, "alone": alone}
