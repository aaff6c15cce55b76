"""Workflows whose processes are killed: each ends the same, and keeps each step once."""

import asyncio
from pathlib import Path

import pytest

from tests.inference.chaos.processes import two_processes
from tests.support.workflows.fleet import Client
from tests.support.workflows.killing import (
    killed_at_random,
    new_key,
    one_of_two_killed,
    undisturbed,
)
from tests.support.workflows.outside import open_outside

GRAPHS, CHAINS, KILLS, SEED = 4, 5, 1, 20
PAUSE_SECONDS = 0.03


@pytest.mark.timeout(300)
def test_whatever_dies_a_run_ends_as_ever(tmp_path: Path) -> None:
    async def story(first, second) -> None:
        key = new_key(first)
        living, dying = Client(first.address, key), Client(second.address, key)
        with open_outside(PAUSE_SECONDS) as outside:
            _, steps = await one_of_two_killed(dying, living, second, outside, CHAINS)
            assert steps == CHAINS * 10
        with open_outside(PAUSE_SECONDS) as outside:
            made = [await living.make_random(SEED + n, outside.address) for n in range(GRAPHS)]
            expected = await undisturbed(living, made)
            killed = await killed_at_random(living, first, made, expected, outside, KILLS, SEED)
            assert killed.kills == KILLS

    with two_processes(tmp_path) as (_, (first, second)):
        asyncio.run(story(first, second))
