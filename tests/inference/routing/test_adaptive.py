"""What an adaptive route learns, and how it chooses by it."""

import random
import time
from collections import Counter
from dataclasses import replace

import pytest

from app.core.ids import new_id
from app.inference.routing.adaptive.arms import Arm, gain_of_call, gain_of_rating, posteriors
from app.inference.routing.adaptive.choice import rank_by_learning
from app.inference.routing.adaptive.learner import Learner, Task
from app.inference.routing.spec import Learning, RouteSpec
from tests.inference.routing.markets import entries, entry, situation

WORKSPACE = new_id()
PLAIN = Learning(latency=0, cost=0, half_life=200)


class World:
    """A route in use: each candidate succeeds with its own probability."""

    def __init__(self, truth, learning=PLAIN, seed=7):
        self.truth, self.rng = list(truth), random.Random(seed)  # noqa: S311
        self.spec = RouteSpec("own", "adaptive", id=new_id(), learning=learning)
        self.learner, self.entries = Learner(), entries(*[1] * len(truth))
        self.known, self.where = {}, situation(seed)

    @property
    def arms(self):
        return self.learner.arms(Task(self.spec.id, 0, "chat"), self.known, 0.0)

    def choose(self):
        places, _ = rank_by_learning(self.entries, self.where, self.arms, self.spec.learning)
        return places[0][4]

    def live(self, requests):
        """Shares of the candidates over so many requests."""
        taken = Counter()
        for _ in range(requests):
            index = self.choose()
            taken[index] += 1
            ok = self.rng.random() < self.truth[index]
            gain = gain_of_call(ok, None, None, self.spec.learning)
            deployment = self.entries[index].deployment
            self.learner.learn(WORKSPACE, self.spec, "chat", deployment, gain)
        return [taken[index] / requests for index in range(len(self.truth))]


@pytest.mark.parametrize("seed", range(5))
def test_the_best_candidate_comes_to_answer_nearly_everything(seed):
    world = World([0.5, 0.9, 0.2], seed=seed)
    world.live(600)
    assert world.live(400)[1] > 0.8


@pytest.mark.parametrize("seed", range(5))
def test_it_follows_when_the_best_becomes_the_worst(seed):
    world = World([0.5, 0.9, 0.2], seed=seed)
    world.live(1000)
    world.truth = [0.5, 0.2, 0.9]
    world.live(2500)
    assert world.live(500)[2] > 0.8


def test_a_frozen_route_stays_with_the_best_and_learns_nothing():
    world = World([0.5, 0.9, 0.2])
    world.live(800)
    known = {name: arm.values() for name, arm in world.arms.items()}
    world.spec = replace(world.spec, learning=replace(PLAIN, frozen=True))
    world.truth = [0.9, 0.0, 0.9]
    assert world.live(500) == [0, 1, 0]
    assert {name: arm.values() for name, arm in world.arms.items()} == known


def test_no_more_than_the_allowed_share_is_tried_elsewhere():
    world = World([0.9, 0.88, 0.87], learning=replace(PLAIN, exploration=0.05, half_life=100_000))
    world.live(1500)
    elsewhere = 0
    for _ in range(2000):
        _, known = rank_by_learning(world.entries, world.where, world.arms, world.spec.learning)
        best = max(known, key=lambda name: known[name].mean)
        elsewhere += world.entries[world.choose()].deployment != best
    assert 0 < elsewhere / 2000 < 0.06


def test_a_new_candidate_starts_from_what_the_others_are_worth_and_is_tried():
    world = World([0.8, 0.7])
    world.live(600)
    world.truth.append(0.95)
    world.entries = entries(1, 1, 1)
    known = posteriors(world.arms, {one.deployment: None for one in world.entries}, PLAIN)
    assert known[world.entries[2].deployment].mean == pytest.approx(0.78, abs=0.08)
    world.live(1500)
    assert world.live(500)[2] > 0.8


def test_ratings_are_not_drowned_by_many_calls():
    """Everything succeeds; people like the second one better, and say so once in fifty calls."""
    world = World([1.0, 1.0])
    for number in range(3000):
        index = world.choose()
        deployment = world.entries[index].deployment
        world.learner.learn(
            WORKSPACE, world.spec, "chat", deployment, gain_of_call(True, None, None, PLAIN)
        )
        if number % 50 == 0:
            rating = gain_of_rating(1 if index == 1 else -1, evaluation=False)
            world.learner.learn(WORKSPACE, world.spec, "chat", deployment, rating)
    assert world.live(500)[1] > 0.8


def test_a_rating_that_is_taken_back_after_it_has_faded_takes_no_more_than_there_was():
    arm = gain_of_rating(1, evaluation=False)
    arm.fade(0.1)
    arm.add(gain_of_rating(-1, evaluation=False, before=1))
    worst = Arm(rated_weight=arm.rated_weight)
    kept = {"one": arm}
    rated = posteriors(kept, {"one": None}, PLAIN)["one"].rated
    assert rated == posteriors({"one": worst}, {"one": None}, PLAIN)["one"].rated
    assert min(rated) > 0


def test_a_conversation_is_drawn_the_same_each_time():
    among, arms = entries(1, 1, 1), {}
    for number in range(40):
        seen = set()
        for seed in range(4):
            where = situation(seed, sticky=True)
            where.question = replace(where.question, sticky=f"c{number}")
            places, _ = rank_by_learning(among, where, arms, Learning())
            seen.add(places[0][4])
        assert len(seen) == 1


def test_the_reward_of_a_call_is_the_formula_of_the_docs():
    learning = Learning(
        success=1, latency=0.2, cost=0.2, latency_target_ms=1000, cost_target=1_000_000
    )
    assert gain_of_call(False, 10, 1, learning).run_sum == 0
    assert gain_of_call(True, 1000, 1_000_000, learning).run_sum == pytest.approx(1.2 / 1.4)
    assert gain_of_call(True, 3000, None, learning).run_sum == pytest.approx(1.05 / 1.2)
    assert gain_of_call(True, None, None, learning).run_sum == 1
    assert gain_of_rating(-1, evaluation=True).rated_sum == 0
    assert gain_of_rating(0.5, evaluation=True).rated_sum == pytest.approx(0.75)


def test_the_quality_that_is_given_is_where_ratings_start_from():
    good, bad = entry(0, quality=0.9), entry(1, quality=0.2)
    known = posteriors({}, {one.deployment: one.quality for one in (good, bad)}, Learning())
    assert known[good.deployment].mean > known[bad.deployment].mean


def test_what_waits_to_be_stored_is_counted_exactly_once():
    learner, spec = Learner(), RouteSpec("own", "adaptive", id=new_id(), learning=PLAIN)
    key, gain = Task(spec.id, 0, "chat"), Arm(calls=1)
    known, read_at = {}, time.monotonic()

    def calls():
        arm = learner.arms(key, known, read_at).get("d")
        return arm.calls if arm else 0

    learner.learn(WORKSPACE, spec, "chat", "d", gain)
    assert calls() == 1
    taken = learner.take()
    learner.learn(WORKSPACE, spec, "chat", "d", gain)
    known = dict(known)  # read anew, before the first was stored
    assert calls() == 2
    learner.stored(taken[key])
    known, read_at = {key: {"d": Arm(calls=1)}}, time.monotonic()
    assert calls() == 2
    again = learner.take()
    learner.learn(WORKSPACE, spec, "chat", "d", gain)
    learner.put_back(key, again[key])
    known = dict(known)
    assert calls() == 3
    assert learner.take()[key].arms["d"].calls == 2


def test_fading_is_the_same_in_one_process_and_in_postgres():
    """What was known is multiplied by what is left of it, and the faded gains are added."""
    learner, spec = Learner(), RouteSpec("own", "adaptive", id=new_id(), learning=PLAIN)
    key = Task(spec.id, 0, "chat")
    known = {key: {"a": Arm(run_weight=100.0, run_sum=50.0)}}
    learner.arms(key, known, 0.0)
    for _ in range(200):
        learner.learn(WORKSPACE, spec, "chat", "b", Arm(pulls=1, run_weight=1, run_sum=1))
    arms, gains = learner.arms(key, known, 0.0), learner.take()[key]
    assert gains.left == pytest.approx(0.5)
    assert arms["a"].run_weight == pytest.approx(100 * gains.left)
    assert arms["b"].run_weight == pytest.approx(gains.arms["b"].run_weight)
