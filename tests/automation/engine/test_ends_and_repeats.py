"""Ends that come late or in numbers, and what of a run is done again."""

import asyncio
import time
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from app.automation.engine.journal import Journal
from app.automation.engine.parking import LINGER_SECONDS, Parking
from app.automation.engine.rerunning import taken_over
from app.automation.engine.steps import Step
from app.automation.language.flow import Flow
from app.runs.runs.patience import patiently
from tests.automation.engine.test_walking import edge, node, work
from tests.support.workflows.dying import World


def step(path, name, /, **more):
    return Step(path, 0, name, "work", "ok", datetime.now(UTC), **more)


def kept(before, after, paths, from_nodes=()):
    """The paths that are taken over where `after` does `before` again."""
    flows = [Flow.model_validate({"dsl": "flow/1", **each}) for each in (before, after)]
    steps = [step(path, path.rpartition("/")[2].removesuffix("~undo")) for path in paths]
    return {each.path for each in taken_over(*flows, steps, from_nodes)}


async def test_what_is_cut_off_while_it_is_written_is_undone_too():
    written = asyncio.Event()

    class Slow:
        """A store that answers long after it has written."""

        async def keep(self, step):
            if step.path == "book":
                written.set()
                await asyncio.Event().wait()
            return step

    journal = Journal(Slow(), (), 100)
    keeping = asyncio.ensure_future(journal.keep(step("book", "book")))
    await written.wait()
    keeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await keeping
    assert [each.path for each in journal.under("")] == ["book"]


async def test_a_journal_counts_what_each_type_cost_and_what_has_no_price():
    class At:
        async def keep(self, step):
            return step

    journal = Journal(At(), [step("a", "a", cost_usd=Decimal(2), copied=True)], 100)
    await journal.keep(step("b", "b", cost_usd=Decimal(3)))
    await journal.keep(step("c", "c", cost_usd=Decimal(4)))
    assert journal.cost_usd == 7
    await journal.keep(step("d", "d", cost_usd=None))
    assert journal.cost_usd is None
    assert journal.spent_usd == {"work": Decimal(7)}


async def test_a_run_does_not_pause_because_the_loop_stood_still_before_its_next_step():
    parking = Parking()

    async def after_some_turns():
        for _ in range(10):
            await asyncio.sleep(0)
        with parking.working():
            await asyncio.sleep(LINGER_SECONDS * 1.5)
            return parking.parked.done()

    with parking.waiting("approval"):
        with parking.working():
            await asyncio.sleep(0)
        following = asyncio.ensure_future(after_some_turns())
        time.sleep(LINGER_SECONDS * 1.2)  # noqa: ASYNC251 - the loop stands still
        assert not await following
        assert (await parking.parked).reason == "approval"


async def test_a_failure_for_which_no_error_edge_holds_fails_the_run():
    flow = {
        "nodes": [work("a", fails=9), work("other", 1), work("mine", 2)],
        "edges": [
            edge("a", "other", "error", when="error.code == 'other'"),
            edge("a", "mine", "error", when="error.code == inputs.code"),
        ],
        "outputs": "{{ nodes.mine.status }}",
    }
    assert await World(flow, {"code": "flaky"}).live() == "ok"
    told = await World(flow, {"code": "else"}).live()
    assert told["error"] == {"path": "a", "code": "flaky"}


async def test_postgres_may_be_away_for_a_moment_and_no_other_failure_is_waited_for():
    failures: list[Exception] = [OSError(), OSError()]

    async def act():
        if failures:
            raise failures.pop()
        return 7

    assert await patiently(act) == 7
    failures.append(LookupError())
    with pytest.raises(LookupError):
        await patiently(act)


def test_what_was_undone_is_done_again():
    undo = {"type": "work"}
    flow = {
        "nodes": [work("a", compensate=undo), work("b"), work("c")],
        "edges": [edge("a", "b")],
    }
    assert kept(flow, flow, ["a", "b", "c", "a~undo"]) == {"c"}


def test_all_turns_of_a_loop_follow_from_one_of_its_nodes():
    body = {"nodes": [work("x"), work("y")], "edges": [edge("x", "y")]}
    flow = {"nodes": [work("a"), node("l", "loop", body=body)]}
    paths = ["a", "l", "l[0]/x", "l[0]/y", "l[1]/x", "l[1]/y"]
    assert kept(flow, flow, paths, ["y"]) == {"a"}


def test_what_a_try_does_last_is_done_again_with_its_body():
    flow = {
        "nodes": [
            node(
                "t",
                "try",
                body={"nodes": [work("x"), work("z")]},
                catch={"nodes": [work("c")]},
                **{"finally": {"nodes": [work("f")]}},
            )
        ]
    }
    paths = ["t", "t/x", "t/z", "t/c", "t/f"]
    assert kept(flow, flow, paths, ["x"]) == {"t/z"}
    assert kept(flow, flow, paths, ["f"]) == {"t/x", "t/z", "t/c"}


def test_a_container_that_gives_something_else_ends_again_and_keeps_what_it_holds():
    def flow(outputs, *names):
        body = {"nodes": [work(name) for name in names], "outputs": outputs}
        return {
            "nodes": [node("m", "map", body=body), work("b")],
            "edges": [edge("m", "b")],
        }

    before, paths = flow("{{ nodes.x.output }}", "x", "y"), ["m", "m[0]/x", "m[0]/y", "b"]
    assert kept(before, before, paths) == set(paths)
    assert kept(before, flow("{{ nodes.y.output }}", "x", "y"), paths) == {"m[0]/x", "m[0]/y"}
    assert kept(before, flow("{{ nodes.x.output }}", "x"), paths) == {"m[0]/x"}
