"""Circuit breakers, watched from outside while everything fails around them."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from uuid import UUID

from app.core.clock import now
from app.inference.gate.breakers import BreakerStanding
from tests.inference.chaos.providers import Scripted, unwatched
from tests.inference.chaos.site import Site

Standing = Callable[[UUID, Sequence[str]], Awaitable[dict[str, BreakerStanding]]]
EVERY_SECONDS = 0.05
# What was admitted before a breaker opened may reach its provider a moment later.
GRACE_SECONDS = 0.5
MOMENT = 0.25
# What may be seen after what, by somebody who looks twenty times a second.
FOLLOWS = {
    "closed": {"closed", "open", "paused"},
    "open": {"open", "half_open"},
    "half_open": {"half_open", "open", "closed", "paused"},
    "paused": {"paused", "closed", "open"},
}


@dataclass(frozen=True)
class Seen:
    at: float
    state: str
    until: float


@dataclass
class Watch:
    """What was seen of each vendor's breaker."""

    seen: dict[str, list[Seen]] = field(default_factory=dict)
    begun: int = 0
    ended: int = 0

    async def look(self, standing: Standing, site: Site) -> None:
        vendors = site.deployments
        while True:
            self.begun += 1
            found = await standing(site.workspace_id, list(vendors.values()))
            at, moment = time.monotonic(), now()
            for kind, deployment in vendors.items():
                if deployment in found:
                    said = found[deployment]
                    wait = (said.next_probe - moment).total_seconds() if said.next_probe else 0.0
                    self.seen.setdefault(kind, []).append(Seen(at, said.state, at + wait))
            self.ended = self.begun
            await asyncio.sleep(EVERY_SECONDS)

    async def notice(self, kind: str) -> None:
        """Hold what asks a provider whose breaker was last seen open until it was looked at again.

        It is the breaker's probe, and may be over between two looks.
        """
        if kind in self.seen and self.seen[kind][-1].state == "open":
            before = self.begun
            while self.ended <= before:  # noqa: ASYNC110 - a test looks at what has no event
                await asyncio.sleep(EVERY_SECONDS / 10)

    def states(self, kind: str) -> list[str]:
        """The states of a breaker, one after the other."""
        states = [seen.state for seen in self.seen[kind]]
        return states[:1] + [after for before, after in pairwise(states) if after != before]


@asynccontextmanager
async def watching(standing: Standing, site: Site, providers: Mapping[str, Scripted]):
    """Look all the while; no probe of a breaker passes unseen."""
    watch = Watch()
    for kind, provider in providers.items():
        provider.asked = partial(watch.notice, kind)
    task = asyncio.create_task(watch.look(standing, site))
    try:
        yield watch
    finally:
        for provider in providers.values():
            provider.asked = unwatched
        watch.ended = watch.begun + 1  # whoever is held goes on
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def assert_breakers_kept_their_word(watch: Watch, providers: Mapping[str, Scripted]) -> None:
    """Only steps that the state machine has; nobody asks an open one; one probe at a time."""
    for kind, seen in watch.seen.items():
        for before, after in pairwise(seen):
            assert after.state in FOLLOWS[before.state], (kind, before, after)
        served = providers[kind].served
        for start, end in spans(seen, {"open"}):
            asked = [each for each in served if start + GRACE_SECONDS < each.began < end]
            assert not asked, (kind, start, end, [each.began for each in asked])
        for start, end in spans(seen, {"open", "half_open"}):
            probes = [each for each in served if start + GRACE_SECONDS < each.began < end]
            for one, other in pairwise(probes):
                assert one.ended is not None, (kind, one)
                assert one.ended <= other.began + 0.05, (kind, one, other)


def spans(seen: Sequence[Seen], states: set[str]) -> list[tuple[float, float]]:
    """From the first to the last sight of these states, each time they came up.

    A breaker that opens anew may be open at every look: its next probe is at another time then.
    """
    found: list[tuple[float, float]] = []
    last: Seen | None = None
    for each in seen:
        if each.state not in states:
            last = None
            continue
        same = last is not None and (len(states) > 1 or abs(each.until - last.until) < MOMENT)
        if same:
            found[-1] = (found[-1][0], each.at)
        else:
            found.append((each.at, each.at))
        last = each
    return found
