"""How alike texts are, against the definitions and against reckoning by hand."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.agents.evaluations.graders.similarity import (
    METRICS,
    bleu,
    common_subsequence,
    edits,
    gleu,
    levenshtein,
    rouge_l,
    rouge_n,
)


def plain_edits(first, second):
    row = list(range(len(second) + 1))
    for i, a in enumerate(first, start=1):
        before, row[0] = row[0], i
        for j, b in enumerate(second, start=1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
    return row[-1]


def plain_subsequence(first, second):
    row = [0] * (len(second) + 1)
    for a in first:
        above = row[:]
        for j, b in enumerate(second, start=1):
            row[j] = above[j - 1] + 1 if a == b else max(above[j], row[j - 1])
    return row[-1]


@given(st.text("abcd", max_size=90), st.text("abcd", max_size=90))
def test_edits_are_those_of_the_table(first, second):
    assert edits(first, second) == plain_edits(first, second)


@given(st.lists(st.sampled_from("abcde"), max_size=90), st.lists(st.sampled_from("abcde")))
def test_common_subsequences_are_those_of_the_table(first, second):
    assert common_subsequence(first, second) == plain_subsequence(first, second)


def test_known_values():
    assert edits("kitten", "sitting") == 3
    assert levenshtein("kitten", "sitting") == pytest.approx(1 - 3 / 7)
    # Lin's own example: two of four words in order.
    assert rouge_l("police kill the gunman", "police killed the gunman") == pytest.approx(0.75)
    assert rouge_l("the gunman kill police", "police killed the gunman") == pytest.approx(0.5)
    assert rouge_n("the cat sat", "the cat ran", 1) == pytest.approx(2 / 3)
    assert rouge_n("the cat sat", "the cat ran", 2) == pytest.approx(1 / 2)
    assert gleu("the cat sat", "the cat sat down") == pytest.approx(6 / 10)
    assert bleu("the cat sat on the mat", "the cat sat on the mat") == pytest.approx(1)
    shorter = bleu("the cat sat on", "the cat sat on the mat")
    assert shorter == pytest.approx(math.exp(1 - 6 / 4))


@pytest.mark.parametrize("metric", METRICS)
def test_all_lie_between_nothing_and_the_same(metric):
    same, other = "One two three four five six.", "Zebra yak xerus wombat vole."
    assert METRICS[metric](same, same) == pytest.approx(1)
    assert 0 <= METRICS[metric](same, other) < 0.3
    assert METRICS[metric]("", "") == 1
    assert 0 <= METRICS[metric]("", other) <= 0.3
