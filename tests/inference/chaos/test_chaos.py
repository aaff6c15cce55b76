"""Three providers that fail at random: whole answers or typed errors, and books that balance.

`scripts/bench/chaos.py` does the same for a minute, with a hundred clients and real processes.
"""

from tests.inference.chaos.books import assert_balanced, assert_calls_add_up
from tests.inference.chaos.faults import WELL
from tests.inference.chaos.load import load
from tests.inference.chaos.providers import Script
from tests.inference.chaos.watch import assert_breakers_kept_their_word, watching

CLIENTS = 40
SECONDS = 10.0
SEAMS = 10


async def test_every_client_has_an_answer_or_one_error_and_the_books_balance(stage):
    opened = await stage(Script(seed=11))
    # One provider is down for a while and well after that: its breaker opens, and closes again.
    opened.providers["anthropic"].play = Script(seed=11, weights=WELL, dark=((0.5, 3.0),))
    for provider in opened.providers.values():
        provider.begin()
    async with watching(opened.gate.standing, opened.site, opened.providers) as watch:
        results = await load(
            [opened.address], opened.site.key, CLIENTS, SECONDS, seed=11,
            enough=lambda found: found.seams > SEAMS,
        )  # fmt: skip
    assert results.broken == []
    assert len(results.whole) > len(results.answers) / 3
    assert results.seams > SEAMS
    rows = await assert_balanced(opened.books)
    assert_calls_add_up(rows, results.answers, opened.providers)
    states = watch.states("anthropic")
    assert states[:2] == ["closed", "open"]
    assert states[-2:] == ["half_open", "closed"]
    assert_breakers_kept_their_word(watch, opened.providers)
