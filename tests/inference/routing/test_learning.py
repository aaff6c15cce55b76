"""What an adaptive route learns in use, as the API shows it."""

import asyncio
from types import SimpleNamespace
from uuid import UUID

import pytest_asyncio

from app.core.db import Scope
from app.inference.routing import service
from app.inference.routing.adaptive.arms import Arm
from app.inference.routing.adaptive.learner import Learner
from app.inference.routing.board import Outcome
from app.inference.routing.gossip import Gossip
from app.inference.routing.keeper import Keeper
from app.inference.routing.learning import learning_of
from app.inference.routing.open import open_routes
from tests.support.locking import waits

GOOD = Outcome(ok=True, first_token_ms=100, cost=1000)
BAD = Outcome(ok=False)


@pytest_asyncio.fixture(loop_scope="session")
async def adaptive(planner):
    return await planner.route("own", "demo/first", "demo/second", strategy="adaptive")


async def use(planner, outcomes, text="Hello", times=40):
    for _ in range(times):
        plan = await planner.plan("own", text=text)
        first = plan.candidates[0]
        name = first.target.reference
        planner.router.observe(planner.workspace_id, plan, first, outcomes[name])


async def learning(planner, route):
    answer = await planner.talker.call("GET", f"/v1/routes/{route['id']}/learning")
    assert answer.status_code == 200, answer.text
    return answer.json()["arms"]


BOTH = {"demo/first": BAD, "demo/second": GOOD}


async def test_what_is_learned_is_shown_by_category_the_best_first(planner, adaptive):
    await use(planner, BOTH)
    await use(planner, {"demo/first": GOOD, "demo/second": BAD}, text="Write a poem.")
    arms = await learning(planner, adaptive)
    best = {}
    for arm in arms:
        best.setdefault(arm["category"], arm["model"])
    assert best == {"chat": "demo/second", "creative": "demo/first"}
    chat = [arm for arm in arms if arm["category"] == "chat"]
    assert sum(arm["calls"] for arm in chat) == 40
    assert sum(arm["share"] for arm in chat) == 1
    assert all(arm["low"] <= arm["mean"] <= arm["high"] for arm in chat)
    assert chat[1]["errors"] == chat[1]["calls"] > 0


async def test_what_was_learned_outlives_the_process(planner, adaptive, app, kernel):
    await use(planner, BOTH)
    before = await learning(planner, adaptive)
    await planner.router.keeper.store()
    inference = app.state.inference
    sources = inference.directory, inference.prices, inference.customers
    async with open_routes(kernel, *sources) as another:
        told = await learning_of(another, planner.workspace_id, UUID(adaptive["id"]))
    assert [arm.calls for arm in told.arms] == [arm["calls"] for arm in before]


async def test_two_processes_add_to_what_is_known(planner, adaptive, kernel):
    await use(planner, BOTH, times=10)
    await planner.router.keeper.store()
    spec = await planner.router.route(planner.workspace_id, "own")
    other = Learner()
    keeper = Keeper(kernel.database, other, Gossip(kernel.valkey, planner.router.board))
    other.learn(planner.workspace_id, spec, "chat", "demo:first", Arm(pulls=1, calls=5))
    await keeper.store()
    planner.router.forget(planner.workspace_id)
    arms = await learning(planner, adaptive)
    assert sum(arm["calls"] for arm in arms) == 15


async def test_a_reset_starts_again_from_nothing(planner, adaptive):
    await use(planner, BOTH)
    await planner.router.keeper.store()
    await use(planner, BOTH, times=3)
    answer = await planner.talker.call("DELETE", f"/v1/routes/{adaptive['id']}/learning")
    assert answer.status_code == 204
    assert await learning(planner, adaptive) == []
    await use(planner, BOTH, times=2)
    assert sum(arm["calls"] for arm in await learning(planner, adaptive)) == 2


async def test_what_another_process_learned_before_a_reset_is_not_added(planner, adaptive, kernel):
    spec = await planner.router.route(planner.workspace_id, "own")
    other = Learner()
    keeper = Keeper(kernel.database, other, Gossip(kernel.valkey, planner.router.board))
    other.learn(planner.workspace_id, spec, "chat", "demo:first", Arm(pulls=1, calls=5))
    await planner.talker.call("DELETE", f"/v1/routes/{adaptive['id']}/learning")
    await keeper.store()
    planner.router.forget(planner.workspace_id)
    assert await learning(planner, adaptive) == []


async def test_what_is_being_stored_while_a_route_starts_again_is_not_added(
    planner, adaptive, kernel
):
    """The reset commits while a process waits to add what it has learned."""
    spec = await planner.router.route(planner.workspace_id, "own")
    other = Learner()
    keeper = Keeper(kernel.database, other, Gossip(kernel.valkey, planner.router.board))
    other.learn(planner.workspace_id, spec, "chat", "demo:first", Arm(pulls=1, calls=5))
    scope = Scope(workspace_id=planner.workspace_id)
    async with kernel.database.unit(scope) as session:
        access = SimpleNamespace(workspace_id=planner.workspace_id)
        await service.reset_learning(session, access, UUID(adaptive["id"]))
        storing = asyncio.create_task(keeper.store())
        await waits(kernel, "for no key update")
    await storing
    planner.router.forget(planner.workspace_id)
    assert await learning(planner, adaptive) == []


async def test_a_frozen_route_asks_the_best_only_and_learns_nothing(planner, adaptive):
    await use(planner, BOTH, times=60)
    await planner.change(adaptive, adaptive={"frozen": True})
    before = await learning(planner, adaptive)
    for _ in range(40):
        plan = await planner.plan("own", text="Hello")
        assert plan.candidates[0].target.reference == "demo/second"
        planner.router.observe(planner.workspace_id, plan, plan.candidates[0], BAD)
    assert await learning(planner, adaptive) == before
    await planner.change(adaptive, adaptive={"frozen": False})
    await use(planner, {"demo/first": GOOD, "demo/second": BAD}, times=5)
    assert sum(arm["calls"] for arm in await learning(planner, adaptive)) == 65


async def test_what_a_deleted_route_learns_goes_with_it(planner, adaptive):
    plan = await planner.plan("own", text="Hello")
    planner.router.observe(planner.workspace_id, plan, plan.candidates[0], GOOD)
    await planner.talker.call("DELETE", f"/v1/routes/{adaptive['id']}")
    await planner.router.keeper.store()
    answer = await planner.talker.call("GET", f"/v1/routes/{adaptive['id']}/learning")
    assert answer.status_code == 404


async def test_a_route_that_does_not_learn_has_learned_nothing(planner):
    route = await planner.route("plain", "demo/first")
    plan = await planner.plan("plain")
    planner.router.observe(planner.workspace_id, plan, plan.candidates[0], GOOD)
    assert await learning(planner, route) == []
