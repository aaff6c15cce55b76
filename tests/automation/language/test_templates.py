"""Templates: typed where they are one expression, text where they are part of one, bounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.automation.language.faults import StepFault
from app.automation.language.marks import marks_of
from app.automation.language.templates import Found, rendered, templates_in
from app.automation.nodes.containers import LoopConfig
from app.automation.nodes.plain import PLAIN
from app.automation.nodes.pure import SwitchConfig
from app.automation.nodes.registry import NodeTypes

NAMES = {
    "inputs": {"n": 3, "name": "Ann", "list": [1, {"b": 2, "a": None}], "big": "x" * 400_000},
    "nodes": {},
}


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("plain", "plain"),
        ("{{ inputs.n }}", 3),
        ("{{inputs.list}}", [1, {"b": 2, "a": None}]),
        ("n: {{ inputs.n }}, {{ inputs.name }}: {{ inputs.list }}",
         'n: 3, Ann: [1,{"a":null,"b":2}]'),
        ("{{ {'a': {'b': inputs.n}} }}", {"a": {"b": 3}}),
        ("{{ '}}' }}{{ \"{{\" }}", "}}{{"),
        ("{{ {'a': 1}['a'] }}", 1),
        (" {{ inputs.n }}", " 3"),
        ("a }} b", "a }} b"),
        ({"k {{ x }}": ["{{ inputs.n }}", {"d": "{{ inputs.name }}!"}], "c": None},
         {"k {{ x }}": [3, {"d": "Ann!"}], "c": None}),
    ],
)  # fmt: skip
def test_renders(template, value):
    assert rendered(template, NAMES) == value


@pytest.mark.parametrize(
    ("template", "code"),
    [
        ("{{ inputs.n", "expression_failed"),
        ("{{ }}", "expression_failed"),
        ("{{ 'open }}", "expression_failed"),
        ("{{ inputs.lost }}", "expression_failed"),
        (["{{ inputs.big }}"] * 25, "template_too_large"),
        ("{{ inputs.big }}." * 25, "template_too_large"),
        ("{{ 1 }}" * 500, "expression_failed"),
    ],
)
def test_refuses(template, code):
    with pytest.raises(StepFault) as raised:
        rendered(template, NAMES)
    assert raised.value.code == code


PIECES = st.lists(st.sampled_from(["{{ inputs.n }}", "{{ '}}' }}", "a", "}", "{a", '"', " "]))


@given(PIECES)
def test_text_around_expressions_stays(pieces):
    written = "".join(pieces)
    if written in ("{{ inputs.n }}", "{{ '}}' }}"):
        return
    wanted = "".join({"{{ inputs.n }}": "3", "{{ '}}' }}": "}}"}.get(p, p) for p in pieces)
    assert rendered(written, NAMES) == wanted


def test_marked_fields_are_left_to_their_nodes():
    settings = {"cases": [{"port": "a", "when": "inputs.n > 1"}], "default": "{{ inputs.name }}"}
    marks = marks_of(SwitchConfig)
    assert rendered(settings, NAMES, marks=marks) == settings | {"default": "Ann"}
    assert [(each.pointer, each.kind) for each in templates_in(settings, "/with", marks)] == [
        ("/with/cases/0/when", "cel"),
        ("/with/default", "text"),
    ]
    until = next(iter(templates_in({"until": "last > 1"}, "", marks_of(LoopConfig))))
    assert isinstance(until, Found)
    assert until.mark.names == {"index", "last"}


def test_settings_are_held_to_their_type_once_they_are_known():
    types = NodeTypes(PLAIN)
    loop = types.get("loop")
    config = types.configured(loop, {"max": "{{ inputs.n }}", "until": "last > 1"}, NAMES)
    assert (config.max, config.until) == (3, "last > 1")
    with pytest.raises(StepFault) as raised:
        types.configured(loop, {"max": "{{ inputs.name }}"}, NAMES)
    assert raised.value.code == "settings_invalid"
    assert "`max`" in raised.value.message
    with pytest.raises(StepFault) as raised:
        types.configured(types.get("approval"), {"title": "{{ inputs.big }}" * 4}, NAMES)
    assert raised.value.code == "template_too_large"
    with pytest.raises(StepFault, match="no node type `lost`"):
        types.get("lost")
