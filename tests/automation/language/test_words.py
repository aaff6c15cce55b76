"""What the checks say to whoever writes a first definition, and that they say it in no time."""

import pytest

from app.automation.language.checking import findings_of
from app.automation.nodes.http import Http
from app.automation.nodes.llm import Llm
from app.automation.nodes.plain import PLAIN
from app.automation.nodes.registry import NodeTypes

TYPES = NodeTypes([*PLAIN, Http(None, None), Llm(None)])


def node(name, value=1, **more):
    return {"id": name, "type": "transform", "with": {"value": value}} | more


def flow(nodes, edges=(), **more):
    return {"dsl": "flow/1", "nodes": nodes, "edges": list(edges)} | more


def edge(source, target, **more):
    return {"from": source, "to": target} | more


def said(document):
    _, findings = findings_of(document, TYPES, pointer="")
    return {each.pointer: each.detail for each in findings.errors}


def asked(expression):
    return flow([{"id": "a", "type": "condition", "with": {"if": expression}}])


EACH = {"id": "each", "type": "map", "with": {"items": [1]}, "body": {"nodes": [node("inner")]}}
TRIED = {"id": "tried", "type": "try", "body": {"nodes": [node("inner")]},
         "catch": {"nodes": [node("c", "{{ nodes.inner.output }}")]}}  # fmt: skip
CALL = {"id": "a", "type": "http", "with": {"url": "https://x.example"}}
CLOSED = {"type": "object", "properties": {"customer": {}}, "additionalProperties": False}


@pytest.mark.parametrize(
    ("document", "pointer", "words"),
    [
        (flow([EACH, node("b", "{{ nodes.inner.output }}")], [edge("each", "b")]),
         "/nodes/1/with/value", ("`inner` is in `body` of `each`, and seen within that alone: "
         "what that gives is `nodes.each.output`")),
        (flow([TRIED]), "/nodes/0/catch/nodes/0/with/value",
         "`inner` is in `body` of `tried`, and seen within that alone"),
        (flow([EACH, node("b")], [edge("inner", "b")]), "/edges/0/from",
         "`inner` is in `body` of `each`: edges stay within their scope"),
        (flow([node("a", timeout=30)]), "/nodes/0/timeout",
         'must be a text with its unit, such as "30s" or "5m"'),
        (flow([node("a")], settings={"rate": {"limit": 1, "per": 60}}), "/settings/rate/per",
         'must be a text with its unit, such as "60s" or "5m"'),
        (flow([{"id": "a", "type": "htpp"}]), "/nodes/0/type",
         "there is no node type `htpp`: did you mean `http`?"),
        (flow([node("a", retri={})]), "/nodes/0/retri",
         "there is no such field: did you mean `retry`?"),
        (flow([CALL | {"url": "https://x.example"}]), "/nodes/0/url",
         "there is no such field of a node: `url` of `http` stands in `with`"),
        (flow([{**CALL, "with": {**CALL["with"], "methd": "{{ inputs.m }}"}}]),
         "/nodes/0/with/methd", "there is no such field: did you mean `method`?"),
        (flow([node("a", next="b"), node("b")]), "/nodes/0/next",
         "there is no such field; what follows a node is said by `edges`"),
        (flow([node("my-node")]), "/nodes/0/id",
         ("must be letters, digits and `_` (no `-`), at most 64, and must not begin with a digit: "
         "expressions call it `nodes.<id>`")),
        (flow([node("sum"), node("b")], [edge("sun", "b")]), "/edges/0/from",
         "there is no node `sun`: did you mean `sum`?"),
        (flow([node("sum"), node("b", "{{ nodes.sums.output }}")], [edge("sum", "b")]),
         "/nodes/1/with/value", "there is no node `sums`: did you mean `sum`?"),
        (flow([node("sum"), node("b", "{{ nodes.sum.text }}")], [edge("sum", "b")]),
         "/nodes/1/with/value", ("`nodes.sum` has no `text`, but `error`, `output`, `port`, "
         "`status`: is it `nodes.sum.output.text`?")),
        (flow([node("a", "{{ inputs.custmer }}")], inputs=CLOSED), "/nodes/0/with/value",
         "the inputs have no `custmer`: did you mean `customer`?"),
        (flow([node("a", "{{ vars.limt }}")], vars={"limit": 1}), "/nodes/0/with/value",
         "`vars` has no `limt`: did you mean `limit`?"),
        (flow([node("a", "{{ input.x }}")]), "/nodes/0/with/value",
         "there is no `input` here, but `inputs`, `nodes`, `run`, `vars`: did you mean `inputs`?"),
        (flow([node("a", "{{ None }}")]), "/nodes/0/with/value",
         "there is no `None` here, but `inputs`, `nodes`, `run`, `vars`; it is `null`"),
        (flow([asked("true")["nodes"][0], node("b")], [edge("a", "b")]), "/edges/0/port",
         ("`a` (condition) has no port `out`; it has `error`, `false`, `timeout`, `true`: `port` "
         "says by which")),
        (flow([node("a", breaker={"key": "{{ inputs }"})]), "/nodes/0/breaker/key",
         "`{{` is never closed by `}}`"),
    ],
)  # fmt: skip
def test_says_what_to_write(document, pointer, words):
    assert said(document)[pointer] == words


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("inputs.x and inputs.y", "it is `&&`, `||` and `!` here"),
        ("inputs.x = 1", "to compare is `==`"),
        ("inputs.x === 1", "it is `==` and `!=` here"),
        ("inputs.x | upper", "there are no filters, but functions: `upperAscii()`"),
        ("'a' if inputs.x else 'b'", "a choice is `condition ? this : that`"),
        ("inputs.x.map(i => i.a)", "a loop is `list.map(x, …)` or `list.filter(x, …)`"),
        ("len(inputs.x) > 1", "there is no function `len`: it is `size(…)`"),
        ("range(3)", "there is no function `range`: it is `lists.range(…)`"),
        ("inputs.x.startWith('a')", "`startWith`: did you mean `startsWith`?"),
        ("now() > 1", "there is no clock, but `run.started_at`"),
    ],
)
def test_knows_the_words_of_other_languages(expression, words):
    assert said(asked(expression))["/nodes/0/with/if"].endswith(words)
    assert said(asked("inputs.x == 'a and b = c | d'")) == {}


def test_an_unknown_setting_is_one_though_its_value_is_a_template():
    document = flow([{**CALL, "with": {**CALL["with"], "input": "{{ inputs.x }}"}}])
    assert "/nodes/0/with/input" in said(document)


def test_warns_of_inputs_whose_fields_stand_outside_of_properties():
    _, findings = findings_of(flow([node("a")], inputs={"x": {"type": "string"}}), TYPES)
    assert [each.code for each in findings.warnings] == ["without_effect"]
    _, findings = findings_of(flow([node("a")], inputs={"properties": {"x": {}}}), TYPES)
    assert findings.warnings == []


def codes(document):
    _, findings = findings_of(document, TYPES, pointer="")
    return [(each.pointer, each.code) for each in findings.errors]


def test_a_definition_has_a_largest_size():
    assert codes(flow([node("a", "x" * 1_000_000)])) == []
    assert codes(flow([node("a", "x" * 1_100_000)])) == [("", "definition_too_large")]
    deep = value = {}
    for _ in range(5000):
        value["a"] = value = {}
    assert codes(flow([node("a", deep)])) == [("", "definition_unreadable")]


def test_a_long_circle_and_deep_scopes_are_told_once():
    ring = [edge(f"n{place}", f"n{(place + 1) % 2000}") for place in range(2000)]
    assert codes(flow([node(f"n{place}") for place in range(2000)], ring)) == [
        ("/nodes", "too_long")
    ]
    ring = [edge(f"n{place}", f"n{(place + 1) % 500}") for place in range(500)]
    assert codes(flow([node(f"n{place}") for place in range(500)], ring)) == [
        ("/edges/499", "cycle")
    ]
    deep = node("x")
    for level in range(14):
        deep = {"id": f"t{level}", "type": "try", "body": {"nodes": [deep]}}
    place = "/nodes/0" + "/body/nodes/0" * 8
    assert codes(flow([deep])) == [(place, "scopes_too_deep")]


@pytest.mark.parametrize(
    "text",
    [
        "{{ " + "'\\" * 120_000,
        "{{ " + '"""\\' * 80_000,
        "{{ " + "x " * 400_000,
        "{{ '" + "a" * 700_000,
        "{{ (" * 200_000,
    ],
)
def test_an_expression_that_is_never_closed_is_looked_at_no_further_than_one_may_be(text):
    assert codes(flow([node("a", text)])) == [("/nodes/0/with/value", "template_invalid")]


@pytest.mark.parametrize("mark", ["(", "[", "!", "-", "{", "true ? 1 : ", "size("])
def test_an_expression_of_the_greatest_length_is_read_or_refused(mark):
    expression = (mark * 2000)[:1990] + "true"
    assert {code for _, code in codes(asked(expression))} <= {"expression_invalid"}


def test_an_expression_has_a_greatest_length():
    long = "1 + " * 500 + "1 > 0"
    assert ("/nodes/0/with/if", "expression_invalid") in codes(asked(long))
    assert codes(flow([node("a", f"{{{{ {long} }}}}")])) == [
        ("/nodes/0/with/value", "expression_invalid")
    ]


def test_a_few_names_are_suggested_and_not_more():
    nodes = [node(f"number{place}", f"{{{{ nodes.numbr{place}.output }}}}") for place in range(100)]
    found = list(said(flow(nodes)).values())
    assert sum("did you mean" in each for each in found) == 20
    many = flow([node("a", **{f"retr{place}": 1 for place in range(5000)})])
    assert len(codes(many)) == 200


def test_so_many_mistakes_are_told_and_no_more():
    wrong = {f"k{place}": [] for place in range(5000)}
    call = CALL | {"with": {"url": "https://x.example", "query": wrong}}
    assert len(codes(flow([call]))) == 200
    unknown = [f"{{{{ no{place}() }}}}" for place in range(500)]
    assert len(codes(flow([node("a", unknown)]))) == 200
