"""Workflows whose process is killed: each ends the same elsewhere, and keeps each step once."""

import asyncio
from collections.abc import Callable

import pytest

from app.core.config import Settings
from tests.inference.chaos.processes import two_processes
from tests.support.workflows.fleet import Client
from tests.support.workflows.killing import (
    CHAIN_STEPS,
    Disturbed,
    deciding,
    new_key,
    one_of_two_killed,
    undisturbed,
)
from tests.support.workflows.outside import open_outside

SEEDS, CHAINS = range(20, 28), 5
PAUSE_SECONDS = 0.01


@pytest.mark.timeout(300)
def test_whatever_dies_a_run_ends_as_ever(apart: Callable[[str], Settings]) -> None:
    async def story(first, second) -> None:
        key = await new_key(first)
        living, dying = Client(first.address, key), Client(second.address, key)
        with open_outside(PAUSE_SECONDS) as outside:
            calm = [each for each in await undisturbed(living, SEEDS, outside) if each.calls]
            disturbed = Disturbed(living, calm, outside, seed=1)
            await disturbed.prepare()
            async with deciding(living):
                await disturbed.begin(dying)
                held = len(calm)
                taken = await one_of_two_killed(dying, living, second, outside, CHAINS, held)
                killed = await disturbed.come_to(kills=1)
        assert taken.steps == CHAINS * CHAIN_STEPS
        # One that waited for a person goes on where that is decided, which may be elsewhere.
        assert len(calm) - killed.losses[0] > len(calm) / 2

    with two_processes(apart("killed")) as (first, second):
        asyncio.run(story(first, second))
