"""Decisions, waits and questions: what they give, and by which port."""

from datetime import timedelta
from importlib.metadata import EntryPoint
from typing import ClassVar

import pytest
from structlog.testing import capture_logs

from app.automation.language.expressions import evaluate
from app.automation.nodes import plugins
from app.automation.nodes.node_type import Awaited, Given, PureNode, StepFault
from app.automation.nodes.plain import PLAIN
from app.automation.nodes.plugins import UnfitType, fit, with_plugins
from app.automation.nodes.pure import Transform, TransformConfig
from app.automation.nodes.registry import NodeTypes
from app.core.clock import now

TYPES = NodeTypes(PLAIN)


def computed(name, settings, names):
    node_type = TYPES.get(name)
    config = TYPES.configured(node_type, settings, names)
    return node_type.compute(config, lambda source: evaluate(source, names))


def test_decisions_leave_by_the_port_that_holds():
    names = {"inputs": {"n": 3}}
    assert computed("condition", {"if": "inputs.n > 2"}, names) == Given(True, "true")
    assert computed("condition", {"if": "inputs.n > 3"}, names) == Given(False, "false")
    cases = [{"port": "two", "when": "inputs.n == 2"}, {"port": "three", "when": "inputs.n == 3"}]
    assert computed("switch", {"cases": cases}, names) == Given("three", "three")
    assert computed("switch", {"cases": cases[:1]}, names) == Given("default", "default")
    assert TYPES.get("switch").ports_of({"cases": cases, "default": "x"}) == {"two", "three", "x"}
    assert computed("transform", {"value": {"n": "{{ inputs.n }}"}}, names) == Given({"n": 3})
    with pytest.raises(StepFault, match=r"must be true or false"):
        computed("condition", {"if": "inputs.n"}, names)


async def begun(name, settings, names=None):
    node_type = TYPES.get(name)
    config = TYPES.configured(node_type, settings, names or {})
    return node_type, config, await node_type.begin(None, config)


async def test_a_time_ends_by_itself_and_a_past_one_at_once():
    node_type, config, awaited = await begun("wait", {"for": "90s"})
    assert (awaited.kind, awaited.match) == ("time", None)
    assert abs(awaited.until - now() - timedelta(seconds=90)) < timedelta(seconds=10)
    assert node_type.finish(config, None) == Given(None)
    _, _, given = await begun("wait", {"until": "2020-01-01T00:00:00Z"})
    assert given == Given(None)
    both = {"for": "1s", "until": "2020-01-01T00:00:00Z"}
    for wrong in ({}, both, {"for": "1s", "timeout": "1s"}):
        with pytest.raises(StepFault) as raised:
            await begun("wait", wrong)
        assert raised.value.code == "settings_invalid"


async def test_an_event_is_matched_by_values_that_cannot_break_out():
    where = {"order.id": "{{ inputs.id }}", "paid": True}
    wanted = {"type": "order.paid", "match": "event.data.n > 1 || true", "where": where}
    settings = {"event": wanted, "timeout": "1h"}
    names = {"inputs": {"id": '" || true || "'}}
    node_type, config, awaited = await begun("wait", settings, names)
    assert (awaited.kind, awaited.subject) == ("event", "order.paid")

    def matches(order_id):
        data = {"n": 1, "order": {"id": order_id}, "paid": True}
        return evaluate(awaited.match, {"event": {"type": "order.paid", "data": data}})

    assert matches(names["inputs"]["id"]) is True
    assert matches("other") is False
    event = {"id": "1", "type": "order.paid", "data": {}}
    assert node_type.finish(config, event) == Given(event)
    assert node_type.finish(config, None).port == "timeout"
    long = {"type": "a.b", "where": {f"k{n}": "x" * 500 for n in range(5)}}
    with pytest.raises(StepFault, match=r"more than 2000 characters together"):
        await begun("wait", {"event": long})


async def test_a_person_approves_edits_rejects_or_is_late():
    settings = {"title": "Pay {{ inputs.n }}?", "data": {"amount": "{{ inputs.n }}"},
                "form": {"type": "object", "title": "{{ not a template }}"},
                "assignees": ["role:finance"], "timeout": "1d"}  # fmt: skip
    node_type, config, awaited = await begun("approval", settings, {"inputs": {"n": 5}})
    assert isinstance(awaited, Awaited)
    assert awaited.kind == "approval"
    assert awaited.shown == {
        "title": "Pay 5?",
        "description": "",
        "form": settings["form"],
        "data": {"amount": 5},
        "assignees": ["role:finance"],
    }
    brought = {"decision": "approve", "data": {"amount": 4}, "comment": "less", "decided_by": "u"}
    given = node_type.finish(config, brought)
    assert given == Given({"data": {"amount": 4}, "decided_by": "u", "comment": "less"})
    rejected = node_type.finish(config, {"decision": "reject"})
    assert (rejected.port, rejected.output["data"]) == ("rejected", {"amount": 5})
    assert node_type.finish(config, None).port == "timeout"


class Shout(PureNode[TransformConfig]):
    """In capitals."""

    name, title, config = "shout", "Shout", TransformConfig
    example: ClassVar = {"id": "a", "type": "shout", "with": {"value": "{{ inputs.text }}"}}

    def compute(self, config, evaluate):
        return Given(str(config.value).upper())


class Unshown(Shout):
    name = "unshown"
    example: ClassVar = {"id": "a", "type": "unshown", "with": {"value": "{{ lost }}"}}


def test_node_types_of_other_packages_are_found_held_to_their_word_or_left_out(monkeypatch):
    here = __name__
    values = {"shout": f"{here}:Shout", "unshown": f"{here}:Unshown", "gone": f"{here}:Gone",
              "transform": f"{here}:Shout", "renamed": f"{here}:Shout"}  # fmt: skip
    points = [EntryPoint(name, value, plugins.GROUP) for name, value in values.items()]
    monkeypatch.setattr(plugins, "entry_points", lambda group: points)
    with capture_logs() as logs:
        types = with_plugins(PLAIN, "on")
    assert {each.name for each in types} == {each.name for each in PLAIN} | {"shout"}
    assert isinstance(types.get("transform"), Transform)
    assert {(line["event"], line["plugin"]) for line in logs} == {
        ("node_plugin_installed", "shout"),
        ("node_plugin_refused", "unshown"),
        ("node_plugin_refused", "transform"),
        ("node_plugin_refused", "renamed"),
        ("node_plugin_broken", "gone"),
    }
    assert "there is no `lost` here" in next(x["reason"] for x in logs if x["plugin"] == "unshown")
    assert with_plugins(PLAIN, "off").find("shout") is None
    with capture_logs() as logs:
        assert with_plugins(PLAIN, "shout,lost").find("shout") is not None
    assert ("node_plugin_missing", "lost") in {(x["event"], x["plugin"]) for x in logs}
    with pytest.raises(UnfitType):
        fit(object(), "thing")


@pytest.mark.parametrize("name", ["in", "null", "true", "package", "size"])
def test_an_events_field_may_be_called_like_a_word_of_the_language(name):
    event = {"type": "a.b", "where": {f"box.{name}": '" || true || "'}}
    config = TYPES.configured(TYPES.get("wait"), {"event": event}, {})
    for value, held in (('" || true || "', True), ("x", False)):
        data = {"box": {name: value}}
        assert evaluate(config.event.condition, {"event": {"data": data}}) is held
