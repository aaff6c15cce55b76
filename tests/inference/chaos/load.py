"""Clients who ask one thing after the other."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

import httpx2

from tests.inference.chaos.answers import Answer, Broken
from tests.inference.chaos.clients import ask
from tests.inference.chaos.tasks import Task

# Two thirds of the answers are streamed to clients of OpenAI's dialect.
DIALECTS = ("openai", "openai", "anthropic", "gemini")
LONGEST_ANSWER = 60
# A client that is refused asks again a little later.
REFUSED_PAUSE = 0.1
LONGEST_SECONDS = 60.0


@dataclass
class Results:
    """What the clients were told, and what no client may be told."""

    answers: list[Answer] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    @property
    def whole(self) -> list[Answer]:
        return [answer for answer in self.answers if answer.whole]

    @property
    def seams(self) -> int:
        return sum(answer.seams for answer in self.answers)

    def summary(self) -> dict[str, int]:
        codes: dict[str, int] = {"whole": len(self.whole), "seams": self.seams}
        for answer in self.answers:
            if answer.code:
                codes[answer.code] = codes.get(answer.code, 0) + 1
        return codes


def many(count: int) -> httpx2.Limits:
    return httpx2.Limits(max_connections=count, max_keepalive_connections=count)


async def load(
    addresses: Sequence[str],
    key: str,
    clients: int,
    seconds: float,
    *,
    seed: int = 1,
    results: Results | None = None,
    name: str = "t",
    enough: Callable[[Results], bool] = lambda found: True,
) -> Results:
    """So many clients at once, for so long; each has its own dice.

    A machine that does little in that time goes on until it is `enough`, a minute at most.
    """
    found = results or Results()
    began = time.monotonic()

    def going_on() -> bool:
        took = time.monotonic() - began
        return took < seconds or (took < LONGEST_SECONDS and not enough(found))

    async with httpx2.AsyncClient(timeout=60, limits=many(clients)) as http:

        async def client(number: int) -> None:
            rng = Random(f"{seed}:{number}")  # noqa: S311
            address = addresses[number % len(addresses)]
            turn = 0
            while going_on():
                turn += 1
                task = Task(f"{name}{number}x{turn}", rng.randrange(1, LONGEST_ANSWER))
                await _ask(http, address, key, task, rng, found)

        await asyncio.gather(*map(client, range(clients)))
    return found


async def _ask(
    http: httpx2.AsyncClient, address: str, key: str, task: Task, rng: Random, found: Results
) -> None:
    dialect, streamed = rng.choice(DIALECTS), rng.random() < 0.85
    try:
        answer = await ask(http, key, task, dialect, streamed=streamed, base=address)
    except Broken as error:
        found.broken.append(str(error))
        return
    found.answers.append(answer)
    if not answer.whole:
        await asyncio.sleep(REFUSED_PAUSE)
