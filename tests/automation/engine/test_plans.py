"""Definitions that are read once: bounded, and as they were for every run."""

from typing import Any, ClassVar

import pytest
from pydantic import ValidationError

from app.automation.engine.plans import Plans
from app.automation.engine.starting import checked_inputs
from app.automation.language.flow import Flow
from app.automation.nodes.node_type import Given, PureNode, TaskNode
from app.core.schema import Input
from tests.support.workflows.dying import World


def definition(name: str, **more: Any) -> dict[str, Any]:
    return {"dsl": "flow/1", "nodes": [{"id": name, "type": "transform"}], **more}


class AnyConfig(Input):
    value: Any = None
    more: Any = None


class Spoil(TaskNode[AnyConfig]):
    """Changes what it is given, as a node type of another package may."""

    name = "spoil"
    title = "Spoil"
    config = AnyConfig
    example: ClassVar = {"id": "a", "type": "spoil"}

    async def perform(self, ctx, config):
        del ctx
        before = len(config.value)
        for each in (config.value, config.more or {}):
            each["spoilt"] = True
        return Given(before)


class Once(PureNode[AnyConfig]):
    """Counts how often settings are read."""

    name = "counted"
    title = "Counted"
    example: ClassVar = {"id": "a", "type": "counted"}
    read = 0

    class Counting(AnyConfig):
        def model_post_init(self, _context: Any) -> None:
            Once.read += 1

    config = Counting

    def compute(self, config, evaluate):
        del evaluate
        return Given(config.value)


def test_a_definition_is_read_once_while_there_is_room():
    plans = Plans(most_bytes=250)
    first = plans.of(definition("a"))
    assert plans.of(definition("a")) is first
    second, again = plans.of(definition("b")), plans.of(definition("a"))
    assert again is first
    plans.of(definition("c", vars={"long": "x" * 80}))
    assert plans.of(definition("a")) is first
    assert plans.of(definition("b")) is not second


def test_one_that_is_larger_than_all_the_room_leaves_the_others_there():
    plans = Plans(most_bytes=100)
    small, large = plans.of(definition("a")), definition("b", vars={"long": "x" * 100})
    assert plans.of(large) is not plans.of(large)
    assert plans.of(definition("a")) is small
    with pytest.raises(ValidationError):
        plans.of({"dsl": "flow/1"})


async def test_what_a_run_does_to_its_values_no_other_run_sees():
    flow = {
        "vars": {"kept": {"a": 1}},
        "nodes": [
            {"id": "fixed", "type": "transform", "with": {"value": {"a": 1}}},
            {"id": "a", "type": "spoil", "with": {"value": "{{ vars.kept }}", "more": {"b": 1}}},
            {"id": "b", "type": "spoil", "with": {"value": "{{ nodes.fixed.output }}"}},
            {"id": "c", "type": "spoil", "with": {"value": {"a": 1}}},
        ],
        "edges": [{"from": "fixed", "to": "b"}],
        "outputs": "{{ [nodes.a.output, nodes.b.output, nodes.c.output] }}",
    }
    world = World(flow, more=(Spoil(),))
    for _ in range(3):
        world.store.steps.clear()
        assert await world.live() == [1, 1, 1]


def test_defaults_are_each_runs_own():
    schema = {"type": "object", "properties": {"to": {"type": "array", "default": ["a"]}}}
    flow = Flow.model_validate(definition("a", inputs=schema))
    checked_inputs(flow, {})["to"].append("b")
    assert checked_inputs(flow, {}) == {"to": ["a"]}


async def test_settings_in_which_nothing_is_computed_are_read_once():
    Once.read = 0
    body = {
        "nodes": [
            {"id": "fixed", "type": "counted", "with": {"value": [1]}},
            {"id": "other", "type": "counted", "with": {"value": "{{ index }}"}},
        ],
        "outputs": "{{ [nodes.fixed.output, nodes.other.output] }}",
    }
    flow = {"nodes": [{"id": "l", "type": "loop", "with": {"max": 5}, "body": body}]}
    world = World(flow, more=(Once(),))
    assert (await world.live())["last"] == [[1], 4]
    assert Once.read == 1 + 5


async def test_settings_that_are_no_good_fail_their_node_each_time():
    flow = {"nodes": [{"id": "a", "type": "counted", "with": {"unknown": 1}}]}
    world = World(flow, more=(Once(),))
    for _ in range(2):
        assert (await world.live())["error"] == {"path": "a", "code": "settings_invalid"}
