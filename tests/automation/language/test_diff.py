"""What has changed between two definitions, as a canvas would draw it."""

from app.automation.language.diff import Change, EdgeChange, EdgeKey, NodeChange, difference
from app.automation.language.flow import Flow


def node(name, value=1, /, **more):
    return {"id": name, "type": "transform", "with": {"value": value}} | more


def flow(*nodes, edges=(), **more):
    written = [dict(zip(("from", "to", "port", "when"), each, strict=False)) for each in edges]
    return Flow.model_validate({"dsl": "flow/1", "nodes": nodes, "edges": written} | more)


def test_nothing_has_changed_where_only_defaults_and_order_did():
    before = flow(node("a"), node("b"), edges=[("a", "b")])
    after = flow(node("b", retry=None), node("a", v=1, join="all"), edges=[("a", "b", "out")])
    assert difference(before, after) == []


def test_tells_nodes_edges_and_fields_apart():
    before = flow(
        node("a", {"x": 1, "y/z": [1, 2]}, ui={"x": 1, "y": 1}),
        node("gone"),
        node("moved", ui={"x": 1, "y": 1}),
        edges=[("a", "gone"), ("a", "moved", "out", "1 == 1")],
        vars={"k": 1},
    )
    after = flow(
        node("a", {"x": True, "y/z": [1, 3, 4]}, name="A", ui={"x": 1, "y": 1}),
        node("new"),
        node("moved", ui={"x": 9, "y": 1}),
        edges=[("a", "new"), ("a", "moved", "out", "2 == 2"), ("a", "moved")],
        vars={"k": 2},
    )
    (diff,) = difference(before, after)
    assert (diff.scope, diff.nodes_added, diff.nodes_removed) == ("", ["new"], ["gone"])
    assert diff.nodes_moved == ["moved"]
    assert diff.nodes_changed == [
        NodeChange(
            "a",
            [
                Change("/name", "changed", "", "A"),
                Change("/with/value/x", "changed", 1, True),
                Change("/with/value/y~1z/1", "changed", 2, 3),
                Change("/with/value/y~1z/2", "added", None, 4),
            ],
        )
    ]
    assert diff.edges_added == [EdgeKey("a", "new", "out"), EdgeKey("a", "moved", "out", 1)]
    assert diff.edges_removed == [EdgeKey("a", "gone", "out")]
    way = EdgeKey("a", "moved", "out")
    assert diff.edges_changed == [EdgeChange(way, "1 == 1", "2 == 2")]
    assert diff.changes == [Change("/vars/k", "changed", 1, 2)]


def test_looks_into_scopes():
    def held(*inner, **more):
        return {"id": "t", "type": "try", "body": {"nodes": [*inner]}} | more

    before = flow(held(node("a"), {"id": "p", "type": "parallel",
                                   "branches": {"x": {"nodes": [node("b")]}}}))  # fmt: skip
    after = flow(held(node("a", 2), {"id": "p", "type": "parallel",
                                     "branches": {"x": {"nodes": [node("c")]}}},
                      catch={"nodes": [node("d")]}))  # fmt: skip
    whole, body, branch = difference(before, after)
    assert whole.nodes_changed == [NodeChange("t", [Change("/catch", "added", None, None)])]
    assert (body.scope, [each.id for each in body.nodes_changed]) == ("t/body", ["a"])
    assert branch.scope == "t/body/p/branches/x"
    assert (branch.nodes_added, branch.nodes_removed) == (["c"], ["b"])
