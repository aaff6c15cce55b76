"""What processes know of deployments, and tell one another."""

import asyncio
import time

import pytest

from app.inference.routing.board import Board, Outcome
from app.inference.routing.gossip import MEMBERS, Gossip


def run(board, outcome, name="d"):
    board.began(name)
    board.ended(name, outcome)


def test_calls_in_flight_are_counted_until_they_end():
    board = Board()
    board.began("d")
    board.began("d")
    assert board.of("d").load == 2
    board.ended("d", Outcome(ok=None))
    assert board.of("d").load == 1
    assert board.of("unknown").load == 0


def test_averages_move_with_what_is_measured():
    board = Board()
    run(board, Outcome(ok=True, first_token_ms=100, duration_ms=1100, output_tokens=50))
    assert board.of("d").first_token_ms == 100
    assert board.of("d").tokens_a_second == pytest.approx(50)
    for _ in range(40):
        run(board, Outcome(ok=True, first_token_ms=500))
    assert board.of("d").first_token_ms == pytest.approx(500, rel=0.01)


def test_what_says_nothing_of_the_provider_changes_no_average():
    board = Board()
    run(board, Outcome(ok=None, first_token_ms=9000))
    assert board.of("d").first_token_ms is None
    assert board.of("d").error_rate(time.monotonic()) == 0


def test_errors_are_forgiven_with_time_and_a_single_one_is_no_rate():
    board = Board()
    run(board, Outcome(ok=False))
    assert board.of("d").error_rate(time.monotonic()) == 0
    for _ in range(7):
        run(board, Outcome(ok=False))
    moment = time.monotonic()
    assert board.of("d").error_rate(moment) == 1
    assert board.of("d").error_rate(moment + 60) == 0


async def test_processes_hear_of_each_other_and_forget_who_is_gone(kernel):
    await kernel.valkey.delete(MEMBERS)
    here, there = Board(), Board()
    one, other = Gossip(kernel.valkey, here), Gossip(kernel.valkey, there)
    there.began("shared")
    run(there, Outcome(ok=True, first_token_ms=70, output_tokens=9), "seen-there")
    for _ in range(8):
        run(there, Outcome(ok=False), "bad")
    await other.tick()
    await one.tick()
    assert here.of("shared").load == 1
    assert here.of("seen-there").first_token_ms == 70
    assert here.of("bad").error_rate(time.monotonic()) == 1
    # What is heard is not passed on: nothing is counted twice.
    await other.tick()
    assert there.of("shared").load == 1
    await other.leave()
    await one.tick()
    assert here.of("shared").load == 0
    assert here.of("bad").error_rate(time.monotonic()) == 0


async def test_a_newer_measurement_of_one_s_own_is_kept(kernel):
    await kernel.valkey.delete(MEMBERS)
    here, there = Board(), Board()
    run(there, Outcome(ok=True, first_token_ms=70))
    run(here, Outcome(ok=True, first_token_ms=200))
    await Gossip(kernel.valkey, there).tick()
    await Gossip(kernel.valkey, here).tick()
    assert here.of("d").first_token_ms == 200


async def test_a_process_that_dies_is_forgotten_within_seconds(kernel, monkeypatch):
    monkeypatch.setattr("app.inference.routing.gossip.LAPSE_SECONDS", 1)
    await kernel.valkey.delete(MEMBERS)
    here, there = Board(), Board()
    there.began("d")
    await Gossip(kernel.valkey, there).tick()
    one = Gossip(kernel.valkey, here)
    await one.tick()
    assert here.of("d").load == 1
    await asyncio.sleep(1.2)
    await one.tick()
    assert here.of("d").load == 0
