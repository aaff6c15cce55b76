"""Random graphs whose process is killed at random: each ends as one that nobody kills."""

import random

import pytest

from tests.support.workflows.dying import World
from tests.support.workflows.graphs import Graphs

RUNS = 60
KILLS = 3


def told(given):
    """Of branches that all fail, one fails the run: which of them is left to chance."""
    return "failed" if "not_undone" in given else given


@pytest.mark.parametrize("part", range(4))
async def test_a_killed_run_ends_as_one_that_is_not_killed(part):
    for seed in range(part, RUNS, 4):
        graphs = Graphs(seed)
        definition = graphs.definition()
        unkilled = World(definition, mail=graphs.mail)
        expected = await unkilled.live()
        killed = World(definition, mail=graphs.mail)
        chance = random.Random(seed)  # noqa: S311 - a seed
        kills = [chance.randint(1, max(unkilled.store.turns // 2, 1)) for _ in range(KILLS)]
        assert told(await killed.live_through(kills)) == told(expected), seed
        assert not [place for place, count in killed.store.writes.items() if count > 1], seed
