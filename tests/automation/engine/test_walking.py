"""What graphs give: joins, ports, errors, containers, retries, undoing."""

import asyncio

import pytest

from tests.support.workflows.dying import World


def node(name, kind="work", /, **more):
    return {"id": name, "type": kind, **more}


def work(name, value=None, /, fails=0, turns=0, **more):
    return node(name, **{"with": {"value": value, "fails": fails, "turns": turns}, **more})


def edge(a, b, port="out", **more):
    return {"from": a, "to": b, "port": port, **more}


async def test_gives_what_leads_to_its_outputs():
    flow = {
        "nodes": [work("a", 2), work("b", "{{ nodes.a.output.v * 21 }}")],
        "edges": [edge("a", "b")],
        "outputs": {"answer": "{{ nodes.b.output.v }}"},
    }
    assert await World(flow).live() == {"answer": 42}


async def test_a_branch_that_is_not_taken_is_skipped_and_so_is_what_follows():
    flow = {
        "nodes": [
            node("c", "condition", **{"with": {"if": "inputs.n > 5"}}),
            work("big", 1),
            work("small", 2),
            work("after", 3),
            work("end", 4),
        ],
        "edges": [
            edge("c", "big", "true"),
            edge("c", "small", "false"),
            edge("small", "after"),
            edge("big", "end"),
            edge("after", "end"),
        ],
        "outputs": [f"{{{{ nodes.{name}.status }}}}" for name in ("big", "small", "after", "end")],
    }
    world = World(flow, {"n": 9})
    assert await world.live() == ["ok", "skipped", "skipped", "ok"]
    assert [path for path, _ in world.work.done] == ["big", "end"]


async def test_a_node_that_joins_any_begins_at_the_first_and_only_once():
    flow = {
        "nodes": [work("fast", 1), work("slow", 2, turns=50), work("either", 3, join="any")],
        "edges": [edge("fast", "either"), edge("slow", "either")],
        "outputs": ["{{ nodes.either.output.v }}", "{{ nodes.slow.status }}"],
    }
    world = World(flow)
    assert await world.live() == [3, "ok"]
    assert sorted(path for path, _ in world.work.done) == ["either", "fast", "slow"]


async def test_a_step_is_tried_again_as_often_as_it_says():
    flow = {"nodes": [work("a", 1, fails=2, retry={"max": 2, "delay": "0.01s"})]}
    world = World(flow)
    assert await world.live() == {"v": 1}
    assert world.work.done == [("a", 0), ("a", 1), ("a", 2)]
    given = await World(
        {"nodes": [work("a", 1, fails=3, retry={"max": 2, "delay": "0.01s"})]}
    ).live()
    assert given["error"] == {"path": "a", "code": "flaky"}


async def test_an_error_edge_takes_care_of_a_failure_and_says_what_it_was():
    flow = {
        "nodes": [work("a", fails=9), work("b", "{{ nodes.a.error.message }}"), work("c", 1)],
        "edges": [edge("a", "b", "error"), edge("a", "c")],
        "outputs": ["{{ nodes.b.output.v }}", "{{ nodes.c.status }}"],
    }
    assert await World(flow).live() == ["boom 0", "skipped"]


async def test_a_map_gives_in_the_order_of_its_items_and_collects_what_fails():
    body = {
        "nodes": [work("x", "{{ item * 10 + index }}", fails=0)],
        "outputs": "{{ nodes.x.output.v }}",
    }
    body["nodes"][0]["with"]["fails"] = "{{ item == 2 ? 9 : 0 }}"
    flow = {
        "nodes": [node("m", "map", **{"with": {"items": [3, 2, 1]}}, body=body)],
        "outputs": "{{ nodes.m.output }}",
    }
    failed = await World(flow).live()
    assert failed["error"]["path"] == "m[1]/x"
    flow["nodes"][0]["with"]["on_error"] = "collect"
    given = await World(flow).live()
    assert given["results"] == [30, None, 12]
    assert [(each["index"], each["code"]) for each in given["errors"]] == [(1, "flaky")]


async def test_a_loop_sees_what_the_turn_before_gave_and_ends_early():
    body = {"nodes": [work("x", "{{ last * 2 }}")], "outputs": "{{ nodes.x.output.v }}"}
    flow = {
        "nodes": [
            node("l", "loop", **{"with": {"init": 1, "until": "last > 20", "max": 50}}, body=body)
        ]
    }
    assert await World(flow).live() == {"last": 32, "count": 5}


async def test_a_try_undoes_what_its_body_did_before_it_catches():
    undo = {"type": "work", "with": {"value": "{{ nodes.a.output.v }}"}}
    flow = {
        "nodes": [
            node(
                "t",
                "try",
                body={
                    "nodes": [work("a", 1, compensate=undo), work("b", fails=9)],
                    "edges": [edge("a", "b")],
                },
                catch={
                    "nodes": [work("c", "{{ error.path }}")],
                    "outputs": "{{ nodes.c.output.v }}",
                },
                **{"finally": {"nodes": [work("f", 0)]}},
            )
        ]
    }
    world = World(flow)
    assert await world.live() == "t/b"
    assert [path for path, _ in world.work.done] == ["t/a", "t/b", "t/a~undo", "t/c", "t/f"]


async def test_what_is_under_way_is_stopped_where_another_branch_fails_the_run():
    flow = {"nodes": [work("endless", 1, turns=10**9), work("broken", fails=9)]}
    given = await World(flow).live()
    assert given["error"]["path"] == "broken"


async def test_what_must_not_be_done_twice_is_not_done_again_after_a_kill():
    flow = {"nodes": [node("a", "once", **{"with": {"value": 1, "turns": 100}})]}
    world = World(flow)
    life = asyncio.ensure_future(world.live())
    while not world.once.done:  # noqa: ASYNC110 - a turn of the loop is all it takes
        await asyncio.sleep(0)
    life.cancel()
    await asyncio.wait([life])
    given = await world.live()
    assert given["error"] == {"path": "a", "code": "interrupted"}
    assert len(world.once.done) == 1


@pytest.mark.parametrize("decides", ["1", "'true'", "null", "inputs"])
@pytest.mark.parametrize("place", ["edge", "while", "until", "retry"])
async def test_what_decides_gives_true_or_false_and_nothing_else(place, decides):
    if place == "edge":
        nodes, edges = [work("a", 1), work("b", 2)], [edge("a", "b", when=decides)]
    elif place == "retry":
        nodes, edges = [work("a", 1, fails=1, retry={"delay": "0.01s", "when": decides})], []
    else:
        body = {"nodes": [work("a", 1)]}
        nodes, edges = [node("l", "loop", **{"with": {place: decides}}, body=body)], []
    given = await World({"nodes": nodes, "edges": edges}).live()
    failed = "l" if place in ("while", "until") else "a"
    assert given["error"] == {"path": failed, "code": "expression_failed"}
