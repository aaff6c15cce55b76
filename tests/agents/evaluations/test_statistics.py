"""Intervals, p-values and agreement, against values that are known."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.agents.evaluations.statistics.agreement import agreement
from app.agents.evaluations.statistics.bootstrap import EXACT, paired
from app.agents.evaluations.statistics.quantiles import mean, quantile


def test_the_interval_of_coin_flips_is_that_of_the_binomial_distribution():
    """The bootstrap of n differences of 0 or 1 draws binomial counts: their quantiles are known."""
    count, share = 50, 0.4
    differences = [1.0] * int(count * share) + [0.0] * (count - int(count * share))
    cumulated = np.cumsum(
        [math.comb(count, k) * share**k * (1 - share) ** (count - k) for k in range(count + 1)]
    )
    low, high = [int(np.searchsorted(cumulated, tail)) / count for tail in (0.025, 0.975)]
    effect = paired([0.0] * count, differences, resamples=200_000)
    assert (effect.mean, effect.pairs) == (pytest.approx(share), count)
    # A quantile of counts is a count; the simulated one may be its neighbour.
    assert abs(effect.low - low) <= 1 / count + 1e-9
    assert abs(effect.high - high) <= 1 / count + 1e-9


def test_the_interval_of_many_cases_is_that_of_the_normal_distribution():
    drawn = np.random.default_rng(7)
    differences = drawn.normal(0.1, 1.0, 2_000)
    effect = paired(np.zeros(2_000), differences)
    half = 1.959964 * differences.std() / math.sqrt(2_000)
    assert effect.low == pytest.approx(differences.mean() - half, abs=0.004)
    assert effect.high == pytest.approx(differences.mean() + half, abs=0.004)


def test_the_interval_covers_the_truth_as_often_as_it_says():
    """Of 400 samples of 60 cases, whose true difference is known."""
    drawn = np.random.default_rng(11)
    truth, covered = 0.05, 0
    for _ in range(400):
        before = drawn.beta(4, 2, 60)
        after = before + truth + drawn.normal(0, 0.2, 60)
        effect = paired(before, after, confidence=0.9, resamples=600)
        covered += effect.low <= truth <= effect.high
    assert 0.86 <= covered / 400 <= 0.94


@pytest.mark.parametrize(
    ("differences", "p"),
    [
        ([0.1] * 8, 2 / 256),  # all signs alike: only two of the 2^8 choices are as far
        ([1.0, 2.0, 3.0], 2 / 8),
        ([1.0, -1.0], 1.0),
        ([0.0] * 5, 1.0),
        ([1.0, 1.0, 1.0, -1.0], 10 / 16),  # |sum| ≥ 2: 1+4 choices on each side
        ([0.5, 0.0, 0.0], 1.0),
    ],
)
def test_the_p_value_of_few_cases_counts_every_choice_of_signs(differences, p):
    effect = paired([0.0] * len(differences), differences)
    assert effect.p == pytest.approx(p)


def test_the_p_value_of_many_cases_is_that_of_the_sign_test():
    """Differences of one size: the sign-flip test is the binomial one."""
    count, up = 30, 22
    differences = [1.0] * up + [-1.0] * (count - up)
    assert count > EXACT
    tail = sum(math.comb(count, k) for k in range(up, count + 1)) / 2**count
    assert paired([0.0] * count, differences).p == pytest.approx(2 * tail, abs=0.005)


def test_the_same_results_give_the_same_figures_and_none_give_none():
    before, after = [0.2, 0.5, 0.9, 0.1], [0.3, 0.4, 1.0, 0.6]
    assert paired(before, after) == paired(before, after)
    empty = paired([], [])
    assert (empty.pairs, empty.mean, empty.p) == (0, 0.0, None)
    with pytest.raises(ValueError, match="each case"):
        paired([1.0], [])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20), st.randoms())
def test_an_interval_holds_its_mean_and_turns_with_its_sides(scores, random):
    others = [random.random() for _ in scores]
    effect = paired(scores, others, resamples=300)
    assert effect.low - 1e-9 <= effect.high
    assert min(b - a for a, b in zip(scores, others, strict=True)) - 1e-9 <= effect.low
    assert effect.mean == pytest.approx(effect.candidate - effect.baseline)
    turned = paired(others, scores, resamples=300)
    assert turned.mean == pytest.approx(-effect.mean)
    assert turned.low == pytest.approx(-effect.high, abs=0.15)


def test_kappa_of_a_known_table():
    """Of fifty grants, as the textbook example has them: 20, 5, 10, 15."""
    given = [True] * 25 + [False] * 25
    right = [True] * 20 + [False] * 5 + [True] * 10 + [False] * 15
    found = agreement(given, right)
    assert (found.accuracy, found.kappa) == (pytest.approx(0.7), pytest.approx(0.4))


def test_kappa_of_all_none_and_chance():
    assert agreement([1, 0, 1], [1, 0, 1]).kappa == 1
    assert agreement([1, 0], [0, 1]).kappa == -1
    assert agreement([1, 1, 1, 1], [1, 0, 1, 0]).kappa == 0
    assert agreement([1, 1], [1, 1]).kappa is None
    assert agreement([], []).kappa is None


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50), st.floats(0, 1))
def test_quantiles_are_numpys(values, share):
    assert quantile(values, share) == pytest.approx(float(np.quantile(values, share)), abs=1e-6)


def test_nothing_has_no_quantile_and_no_mean():
    assert (quantile([], 0.5), mean([])) == (None, None)
