"""What each strategy makes of candidates."""

import time
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.inference.routing.board import Board, Outcome
from app.inference.routing.strategies import SCORES, rank
from tests.inference.routing.markets import entries, entry, price, situation

QUICK, SLOW = Outcome(ok=True, first_token_ms=50), Outcome(ok=True, first_token_ms=900)


def order(strategy, among, where):
    return [place[4] for place in rank(strategy, among, where)]


def run(board, deployment, outcome):
    board.began(deployment)
    board.ended(deployment, outcome)


@pytest.mark.parametrize("strategy", sorted(SCORES))
def test_every_strategy_orders_every_candidate_once(strategy):
    among = entries(1, 2, 0)
    assert sorted(order(strategy, among, situation(sticky=True))) == [0, 1, 2]


def test_ordered_keeps_the_order_of_the_route():
    assert order("ordered", entries(0.1, 5, 3), situation()) == [0, 1, 2]


@given(st.lists(st.integers(0, 10), min_size=1, max_size=5).filter(any))
def test_weights_are_shares_of_the_requests(weights):
    among, where = entries(*weights), situation(seed=sum(weights))
    first = Counter(order("weighted", among, where)[0] for _ in range(3000))
    for index, weight in enumerate(weights):
        assert first[index] / 3000 == pytest.approx(weight / sum(weights), abs=0.06)


@pytest.mark.parametrize("strategy", ["weighted", "least_busy", "lowest_latency", "sticky"])
def test_a_conversation_stays_with_one_candidate(strategy):
    among = entries(1, 1, 1, 1)
    for number in range(50):
        orders = [
            order(strategy, among, situation_of(seed, f"conversation {number}"))
            for seed in range(5)
        ]
        assert all(one == orders[0] for one in orders)


def situation_of(seed, conversation, board=None):
    where = situation(seed, sticky=True, board=board)
    where.question = type(where.question)(model=None, sticky=conversation)
    return where


@given(st.integers(2, 9))
def test_another_candidate_takes_only_its_own_part_of_the_conversations(count):
    before, after = entries(*[1] * count), entries(*[1] * (count + 1))
    moved = 0
    for number in range(600):
        old = order("sticky", before, situation_of(1, f"c{number}"))[0]
        new = order("sticky", after, situation_of(1, f"c{number}"))[0]
        assert new in (old, count)
        moved += new != old
    assert moved / 600 == pytest.approx(1 / (count + 1), abs=0.08)


def test_conversations_are_spread_by_weight():
    among = entries(3, 1)
    first = Counter(
        order("sticky", among, situation_of(1, f"c{number}"))[0] for number in range(3000)
    )
    assert first[0] / 3000 == pytest.approx(0.75, abs=0.04)


def test_a_conversation_leaves_a_candidate_that_fails_and_returns_when_it_works():
    among, board = entries(1, 1), Board()
    home = order("sticky", among, situation_of(1, "a", board))[0]
    for _ in range(5):
        run(board, among[home].deployment, Outcome(ok=False))
    assert order("sticky", among, situation_of(1, "a", board))[0] != home
    later = situation_of(1, "a", board)
    later.moment = time.monotonic() + 120
    assert order("sticky", among, later)[0] == home


def test_least_busy_goes_where_the_fewest_calls_are_for_the_weight():
    among, board = entries(1, 4), Board()
    for _ in range(2):
        board.began(among[0].deployment)
    for _ in range(4):
        board.began(among[1].deployment)
    assert order("least_busy", among, situation(board=board)) == [1, 0]
    for _ in range(8):
        board.began(among[1].deployment)
    assert order("least_busy", among, situation(board=board)) == [0, 1]


def test_least_busy_is_not_drawn_to_one_that_fails_at_once():
    among, board = entries(1, 1), Board()
    board.began(among[1].deployment)
    for _ in range(5):
        run(board, among[0].deployment, Outcome(ok=False))
    assert order("least_busy", among, situation(board=board)) == [1, 0]


def test_lowest_latency_tries_what_nobody_knows_by_one_request_at_a_time():
    among, board = entries(1, 1, 1), Board()
    run(board, among[0].deployment, SLOW)
    run(board, among[1].deployment, QUICK)
    assert order("lowest_latency", among, situation(board=board)) == [2, 1, 0]
    board.began(among[2].deployment)
    assert order("lowest_latency", among, situation(board=board)) == [1, 0, 2]


def test_lowest_latency_measures_an_old_latency_again():
    among, board = entries(1, 1), Board()
    run(board, among[0].deployment, SLOW)
    run(board, among[1].deployment, QUICK)
    seen = Counter()
    where = situation(board=board)
    where.moment = time.monotonic() + 300
    for _ in range(1000):
        seen[order("lowest_latency", among, where)[0]] += 1
    assert 0 < seen[0] < 120


def test_lowest_cost_is_by_the_request_that_is_asked():
    reads_cheaply = entry(0, price=price(1, 50))
    writes_cheaply = entry(1, price=price(10, 1))
    among = (reads_cheaply, writes_cheaply, entry(2))
    long = situation(input_tokens=100_000, max_output_tokens=10)
    assert order("lowest_cost", among, long) == [0, 1, 2]
    short = situation(input_tokens=100, max_output_tokens=2000)
    assert order("lowest_cost", among, short) == [1, 0, 2]


def test_of_two_equally_good_ones_the_cheaper_is_taken():
    among = (
        entry(0, price=price(10, 10), quality=0.9),
        entry(1, price=price(1, 1), quality=0.9),
        entry(2, price=price(0, 0), quality=0.5),
    )
    assert order("quality_within_price", among, situation(input_tokens=1000)) == [1, 0, 2]


def test_the_tightest_fit_leaves_the_able_ones_for_those_who_need_them():
    among = (
        entry(0, can={"vision", "tools", "audio"}, context=1_000_000),
        entry(1, can={"tools"}, context=128_000),
        entry(2, can={"tools"}, context=32_000),
    )
    assert order("capability", among, situation(needs=frozenset({"tools"}))) == [2, 1, 0]


@pytest.mark.parametrize("strategy", sorted(SCORES))
def test_whoever_is_known_to_be_able_goes_before_whoever_may_be(strategy):
    among = (entry(0, doubtful=True, quality=1.0), entry(1))
    assert order(strategy, among, situation())[0] == 1
