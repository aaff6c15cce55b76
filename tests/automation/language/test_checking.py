"""Every mistake of a definition is told, where it is; and nothing that could run is refused."""

from copy import deepcopy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.automation.language.checking import DefinitionUnfit, check, findings_of
from app.automation.nodes.node_type import TaskNode
from app.automation.nodes.plain import PLAIN
from app.automation.nodes.registry import NodeTypes
from app.core.schema import Input

TYPES = NodeTypes(PLAIN)


def node(name, value=1, **more):
    return {"id": name, "type": "transform", "with": {"value": value}} | more


def flow(nodes, edges=(), **more):
    return {"dsl": "flow/1", "nodes": nodes, "edges": list(edges)} | more


def edge(source, target, port="out", **more):
    return {"from": source, "to": target, "port": port} | more


def mistakes(document):
    return {
        (each.pointer, each.code) for each in findings_of(document, TYPES, pointer="")[1].errors
    }


def at(pointer, document):
    return {code for place, code in mistakes(document) if place == pointer}


CLOSED = {"type": "object", "properties": {"n": {}}, "additionalProperties": False}


def test_tells_all_mistakes_at_once():
    document = flow(
        [
            node("a", "{{ nodes.lost.output }} {{ inputs.m }} {{ vars.x }} {{ item }} {{ 1 + }}"),
            {"id": "b", "type": "transfrom"},
            node("c", v=9),
            {"id": "d", "type": "condition", "with": {"if": "{{ inputs.n }}"}},
            {"id": "e", "type": "map", "with": {"items": "{{ inputs.n"}},
            {"id": "f", "type": "wait", "with": {"for": "3x"}, "mock": {"port": "odd"}},
            node("a", compensate={"type": "condition"}, retry={"max": 99, "when": "item"}),
            node("g", body={"nodes": [node("h")]}),
        ],
        [edge("a", "d"), edge("d", "a", "odd"), edge("lost", "h"), edge("a", "b", when="error")],
        inputs=CLOSED,
        output_schema={"type": "objekt"},
        outputs="{{ nodes.h.output }} {{ run.odd }} {{ nodes.a.result }}",
        settings={"concurrency": {"limit": 1, "key": "{{ nodes.a.output }}"}},
        colour="red",
    )
    assert mistakes(document) == {
        ("/colour", "extra_forbidden"),
        ("/nodes/6/retry/max", "less_than_equal"),
        ("/output_schema", "schema_invalid"),
        ("/settings/concurrency/key", "name_unknown"),
        ("/nodes/0/with/value", "node_unknown"),
        ("/nodes/0/with/value", "input_unknown"),
        ("/nodes/0/with/value", "var_unknown"),
        ("/nodes/0/with/value", "name_unknown"),
        ("/nodes/0/with/value", "expression_invalid"),
        ("/nodes/1/type", "node_type_unknown"),
        ("/nodes/2/v", "node_version_unknown"),
        ("/nodes/3/with/if", "expression_invalid"),
        ("/nodes/4/with/items", "template_invalid"),
        ("/nodes/4/body", "scope_missing"),
        ("/nodes/5/with/for", "value_error"),
        ("/nodes/5/mock/port", "port_unknown"),
        ("/nodes/6/id", "node_id_taken"),
        ("/nodes/6/compensate/type", "compensation_invalid"),
        ("/nodes/6/retry/when", "name_unknown"),
        ("/nodes/7/body", "scope_not_allowed"),
        ("/edges/1/port", "port_unknown"),
        ("/edges/1", "cycle"),
        ("/edges/2/from", "edge_node_unknown"),
        ("/edges/2/to", "edge_node_unknown"),
        ("/edges/3/when", "name_unknown"),
        ("/outputs", "node_not_upstream"),
        ("/outputs", "run_field_unknown"),
        ("/outputs", "node_field_unknown"),
    }


def test_raises_what_a_client_is_told():
    with pytest.raises(DefinitionUnfit) as raised:
        check(flow([node("a", "{{ nodes.b.output }}")]), TYPES)
    assert raised.value.status == 422
    assert raised.value.errors[0].pointer == "/body/definition/nodes/0/with/value"
    for document in (None, [], {}, {"dsl": "flow/1"}, flow([]), flow(["a"]), flow([{"id": "a"}])):
        with pytest.raises(DefinitionUnfit):
            check(document, TYPES)


@pytest.mark.parametrize(
    ("edges", "named"),
    [
        ([("a", "a")], "a → a"),
        ([("a", "b"), ("b", "c"), ("c", "a")], "a → b → c → a"),
    ],
)
def test_names_a_cycle(edges, named):
    document = flow([node("a"), node("b"), node("c")], [edge(*each) for each in edges])
    (mistake,) = findings_of(document, TYPES)[1].errors
    assert mistake.code == "cycle"
    turns = mistake.detail.removeprefix("nodes wait for each other: ").partition(";")[0]
    assert sorted(turns.split(" → ")[1:]) == sorted(named.split(" → ")[1:])


def test_what_is_seen_depends_on_the_scope():
    body = {"nodes": [node("in1", "{{ item + index + nodes.before.output }}"),
                      node("in2", "{{ last }}")],
            "outputs": "{{ nodes.in1.output }}"}  # fmt: skip
    each = {"id": "each", "type": "map", "with": {"items": "{{ nodes.before.output }}"}}
    attempt = {"id": "try", "type": "try", "body": {"nodes": [node("b1", "{{ error.code }}")]},
               "catch": {"nodes": [node("c1", "{{ error.code }}"),
                                   node("c2", "{{ nodes.b1.output }}")]}}  # fmt: skip
    document = flow(
        [node("before"), each | {"body": body}, attempt, node("after", "{{ nodes.in1.output }}")],
        [edge("before", "each"), edge("each", "try"), edge("try", "after")],
    )
    assert mistakes(document) == {
        ("/nodes/1/body/nodes/1/with/value", "name_unknown"),
        ("/nodes/2/body/nodes/0/with/value", "name_unknown"),
        ("/nodes/2/catch/nodes/1/with/value", "node_not_upstream"),
        ("/nodes/3/with/value", "node_not_upstream"),
    }
    loop = {"id": "l", "type": "loop", "with": {"until": "last > 1 && item", "init": "{{ last }}"},
            "body": {"nodes": [node("t", "{{ last + index }}")]}}  # fmt: skip
    assert mistakes(flow([loop])) == {
        ("/nodes/0/with/until", "name_unknown"),
        ("/nodes/0/with/init", "name_unknown"),
    }
    event = {"type": "a.b", "match": "event.data.n == inputs.n", "where": {"n": "{{ inputs.n }}"}}
    assert mistakes(flow([{"id": "w", "type": "wait", "with": {"event": event}}])) == {
        ("/nodes/0/with/event/match", "name_unknown")
    }


def test_templates_stand_for_any_value_of_settings():
    settings = {
        "items": "{{ inputs.n }}",
        "concurrency": "{{ 3 }}",
        "on_error": "{{ inputs.n == 1 ? 'fail' : 'collect' }}",
    }
    ok = {"id": "m", "type": "map", "body": {"nodes": [node("x")]}, "with": settings}
    assert mistakes(flow([ok])) == set()
    wait = {"id": "w", "type": "wait", "with": {"until": "{{ inputs.at }}"}}
    assert mistakes(flow([wait])) == set()
    form = {"title": "Go?", "form": {"type": "objekt"}}
    approval = {"id": "p", "type": "approval", "with": form}
    assert mistakes(flow([approval])) == {("/nodes/0/with/form", "value_error")}
    wrong = ok | {"with": {"items": "inputs.n", "concurrency": "three"}}
    assert mistakes(flow([wrong])) == {
        ("/nodes/0/with/items", "list_type"),
        ("/nodes/0/with/concurrency", "int_parsing"),
    }


def test_prompts_are_read_too():
    class Asked(Input):
        prompt: str

    class Ask(TaskNode):
        name, title, config, example = "ask", "Ask", Asked, {}

        async def perform(self, ctx, config): ...

    Asked.model_fields["prompt"].json_schema_extra = {"x-template": "jinja"}
    types = NodeTypes([*PLAIN, Ask()])

    def told(prompt):
        document = flow([node("a"), {"id": "b", "type": "ask", "with": {"prompt": prompt}}],
                        [edge("a", "b")], inputs=CLOSED)  # fmt: skip
        return {each.code for each in findings_of(document, types)[1].errors}

    assert told("{% for each in nodes.a.output %}{{ each.x }}{{ inputs.n }}{% endfor %}") == set()
    assert told("{{ nodes.lost.output }}") == {"node_unknown"}
    assert told("{{ inputs['m'] }} {{ item }}") == {"input_unknown", "name_unknown"}
    assert told("{{ f() }}") == {"prompt_invalid"}


def test_bounds_hold_over_all_scopes():
    deep = node("n0")
    for level in range(1, 10):
        deep = {"id": f"n{level}", "type": "try", "body": {"nodes": [deep]}}
    assert {code for _, code in mistakes(flow([deep]))} == {"scopes_too_deep"}
    inner = {"nodes": [node(f"i{number}") for number in range(300)]}
    other = {"nodes": [node(f"j{number}") for number in range(300)]}
    wide = [{"id": "t1", "type": "try", "body": inner}, {"id": "t2", "type": "try", "body": other}]
    assert mistakes(flow(wide)) == {("/nodes", "too_many_nodes")}


def test_warns_of_what_does_nothing():
    approval = {"id": "ok", "type": "approval", "with": {"title": "Go?"}, "cache": {"ttl": "1h"}}
    document = flow([approval, node("yes"), node("alone")], [edge("ok", "yes")])
    found, findings = findings_of(document, TYPES, pointer="")
    assert found is not None
    assert {(each.pointer, each.code) for each in findings.warnings} == {
        ("/nodes/0", "port_unconnected"),
        ("/nodes/0/cache", "without_effect"),
        ("/nodes/2", "node_unconnected"),
    }


@pytest.mark.parametrize(
    ("settings", "warned"),
    [
        ({"for": "1h"}, {("/nodes/0/timeout", "without_effect")}),
        ({"until": "2030-01-01T00:00:00Z"}, {("/nodes/0/timeout", "without_effect")}),
        ({"event": {"type": "order.paid"}}, set()),
    ],
)
def test_warns_of_a_limit_to_a_wait_for_a_time(settings, warned):
    document = flow([{"id": "w", "type": "wait", "with": settings, "timeout": "1m"}])
    _, findings = findings_of(document, TYPES, pointer="")
    assert findings.errors == []
    assert {(each.pointer, each.code) for each in findings.warnings} == warned


@pytest.mark.parametrize("kind", ["array", ["string", "null"]])
def test_inputs_are_an_object(kind):
    assert mistakes(flow([node("a")], inputs={"type": kind})) == {
        ("/inputs/type", "schema_invalid")
    }
    assert mistakes(flow([node("a")], inputs={"type": ["object", "null"]})) == set()


def test_tells_of_a_text_by_its_characters():
    _, findings = findings_of(flow([node("a", breaker={"key": ""})]), TYPES, pointer="")
    assert [(each.pointer, each.detail) for each in findings.errors] == [
        ("/nodes/0/breaker/key", "String should have at least 1 character")
    ]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["", "a", "{{ x }}", "{{", "out"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["id", "type", "with", "nodes", "from", "if"]), inner)
    ),
    max_leaves=5,
)


def places_in(value, *place):
    yield place
    steps = value if isinstance(value, dict) else range(len(value) if type(value) is list else 0)
    for step in steps:
        yield from places_in(value[step], *place, step)


@given(st.data())
@settings(max_examples=150)
def test_whatever_is_sent_is_told_apart(data):
    nodes = [dict(each.example) for each in PLAIN]
    document = deepcopy(flow(nodes, [edge("large", "each", "true")], inputs=CLOSED, vars={"k": 1}))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.sampled_from(list(places_in(document))[1:]))
        owner = document
        for step in place[:-1]:
            owner = owner[step]
        owner[place[-1]] = data.draw(VALUES)
    found, findings = findings_of(document, TYPES)
    assert (found is None) <= bool(findings.errors)
    assert all(each.pointer.startswith("/body/definition") for each in findings.errors)
