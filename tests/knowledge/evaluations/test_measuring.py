"""The figures, against ones that were reckoned by hand and the definitions themselves."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.ids import new_id
from app.knowledge.evaluations.measuring import Measured, compare, keys_of, mean, measure

A, B, C, D = (new_id() for _ in range(4))


def test_recall_reciprocal_rank_and_ndcg_of_a_list():
    measured = measure([D, A, C], {A: 1, B: 2}, k=3)
    assert measured.recall == 0.5
    assert measured.reciprocal_rank == 0.5
    gained = 1 / math.log2(3)
    assert measured.ndcg == pytest.approx(gained / (3 + 1 / math.log2(3)))


def test_only_the_first_k_count():
    assert measure([D, C, A], {A: 1}, k=2) == Measured(0, 0, 0)
    assert measure([A, D, C], {A: 1}, k=1) == Measured(1, 1, 1)


def test_a_passage_stands_for_its_document_unless_it_is_judged_itself():
    document, other = new_id(), new_id()
    found = [(A, document), (B, document), (C, other)]
    assert keys_of(found, {document: 1}) == [document, other]
    assert keys_of(found, {B: 1}) == [document, B, other]


def test_a_clear_difference_is_told_from_none():
    good, bad = Measured(1, 1, 1), Measured(0, 0, 0)
    better = compare([bad] * 15 + [good] * 5, [good] * 20)["recall"]
    assert better.mean == 0.75
    assert 0.5 <= better.low < 0.75 < better.high <= 1
    mixed = compare([good, bad] * 10, [bad, good] * 10)["recall"]
    assert mixed.mean == 0
    assert mixed.low < 0 < mixed.high
    assert compare([], [])["ndcg"].mean == 0
    assert compare([good, bad], [good, bad])["ndcg"] == compare([good], [good])["ndcg"]


@given(
    order=st.permutations([new_id() for _ in range(8)]),
    grades=st.lists(st.integers(1, 5), min_size=1, max_size=8),
    k=st.integers(1, 10),
)
def test_figures_lie_between_none_and_all(order, grades, k):
    relevant = dict(zip(sorted(order), grades, strict=False))
    measured = measure(order, relevant, k)
    assert all(0 <= value <= 1.000001 for value in mean([measured]).values())
    best = sorted(relevant, key=lambda each: -relevant[each])
    perfect = measure(best, relevant, max(k, len(best)))
    assert (perfect.recall, perfect.reciprocal_rank) == (1, 1)
    assert perfect.ndcg == pytest.approx(1)
