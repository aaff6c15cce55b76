"""How an adaptive route orders its candidates for one request."""

import random
from collections.abc import Mapping
from typing import Final

from app.inference.routing.adaptive.arms import UNKNOWN, Arm, Posterior, posteriors
from app.inference.routing.entry import Entry
from app.inference.routing.spec import Learning
from app.inference.routing.strategies import Place, Situation, even, fails

# The best one is not held to be the best before it has been seen so often.
COLD: Final = 20.0


def rank_by_learning(
    entries: tuple[Entry, ...],
    situation: Situation,
    arms: Mapping[str, Arm],
    learning: Learning,
) -> tuple[list[Place], dict[str, Posterior]]:
    """The places of all entries by what was learned, and what each is held to be worth.

    At most `learning.exploration` of the requests are drawn (Thompson sampling), once enough is
    known; all others go by the mean. A conversation that sticks is drawn the same each time.
    """
    known = posteriors(arms, {entry.deployment: entry.quality for entry in entries}, learning)
    chance, rng = _luck(situation)
    drawn = not learning.frozen and situation.question.explored and (
        chance < learning.exploration or _is_cold(known, arms)
    )  # fmt: skip
    places = []
    for entry in entries:
        posterior = known[entry.deployment]
        worth = posterior.sample(rng) if drawn else posterior.mean
        is_failing = fails(entry, situation)
        places.append((entry.doubtful, is_failing, -worth, rng.random(), entry.index))
    places.sort()
    return places, known


def _is_cold(known: Mapping[str, Posterior], arms: Mapping[str, Arm]) -> bool:
    best = max(known, key=lambda name: known[name].mean)
    arm = arms.get(best, UNKNOWN)
    return arm.run_weight + arm.rated_weight < COLD


def _luck(situation: Situation) -> tuple[float, random.Random]:
    sticky = situation.question.sticky
    if not situation.sticky or sticky is None:
        return situation.rng.random(), situation.rng
    chance = even(sticky, "")
    return chance, random.Random(chance)  # noqa: S311 - a draw, not a secret
