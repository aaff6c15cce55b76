"""What runs beside the router."""

from uuid import UUID

from app.core.db import Database, Scope
from app.inference.routing import crud
from app.inference.routing.adaptive.arms import Arm
from app.inference.routing.adaptive.learner import Learner
from app.inference.routing.board import Board
from app.inference.routing.gossip import Gossip
from app.inference.routing.keeper import Keeper
from tests.support.identity import counted_queries


async def stored(planner, kernel):
    async with kernel.database.unit(Scope(workspace_id=planner.workspace_id)) as session:
        rows = await crud.arms_of_workspace(session, planner.workspace_id)
        return [arm for arm, _ in rows]


async def test_planning_asks_no_store_while_what_is_known_is_fresh(planner, kernel):
    await planner.route("own", "demo/first", "demo/second", strategy="adaptive", sticky=True)
    for name in ("own", "auto", "demo/first"):
        await planner.plan(name, text="Hello", sticky="c")
    async with counted_queries(kernel) as queries:
        for _ in range(200):
            for name in ("own", "auto", "demo/first"):
                await planner.plan(name, text="Hello", sticky="c")
    assert [query for query in queries if "ai_routes" in query or "integrations" in query] == []


async def test_what_was_learned_is_stored_at_the_end(planner, kernel):
    await planner.route("own", "demo/first", strategy="adaptive")
    spec = await planner.router.route(planner.workspace_id, "own")
    learner = Learner()
    keeper = Keeper(kernel.database, learner, Gossip(kernel.valkey, Board()))
    keeper.start()
    learner.learn(planner.workspace_id, spec, "chat", "demo:first", Arm(pulls=1, calls=1))
    await keeper.close()
    assert [arm.calls for arm in await stored(planner, kernel)] == [1]


async def test_what_cannot_be_stored_now_is_stored_later(planner, kernel, tmp_path):
    await planner.route("own", "demo/first", strategy="adaptive")
    spec = await planner.router.route(planner.workspace_id, "own")
    learner, gossip = Learner(), Gossip(kernel.valkey, Board())
    learner.learn(planner.workspace_id, spec, "chat", "demo:first", Arm(pulls=1, calls=1))
    away = Database(f"postgresql://nobody@/nowhere?host={tmp_path}")
    await Keeper(away, learner, gossip).store()
    await away.close()
    assert await stored(planner, kernel) == []
    learner.learn(planner.workspace_id, spec, "chat", "demo:first", Arm(pulls=1, calls=1))
    await Keeper(kernel.database, learner, gossip).store()
    assert [arm.calls for arm in await stored(planner, kernel)] == [2]


async def test_nothing_of_one_workspace_reaches_another(planner, kernel, client):
    """Row-level security stands behind the filters: a gain under a foreign id adds nothing."""
    await planner.route("own", "demo/first", strategy="adaptive")
    spec = await planner.router.route(planner.workspace_id, "own")
    learner = Learner()
    stranger = UUID(int=1)
    learner.learn(stranger, spec, "chat", "demo:first", Arm(pulls=1, calls=1))
    await Keeper(kernel.database, learner, Gossip(kernel.valkey, Board())).store()
    assert await stored(planner, kernel) == []
