"""Two runs side by side."""

from decimal import Decimal

from tests.support.kept_runs import edge, failed, flow, node, step

BEFORE = flow(node("fetch"), node("rate"), node("mail"), edges=[edge("fetch", "rate")])
AFTER = flow(node("fetch"), node("rate", name="Rates"), node("send"), edges=[edge("fetch", "rate")])


async def compare(talker, a, b, **more):
    body = {"a": str(a), "b": str(b), **more}
    answer = await talker.call("POST", "/v1/workflow-runs/compare", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_node_by_node(talker, keeper):
    workflow = await keeper.workflow()
    big = {"rows": ["x" * 100] * 1000}
    a = await keeper.run(
        workflow,
        BEFORE,
        inputs={"order": 1},
        output={"total": 10},
        steps=[
            step("fetch", 0, 1, output={"items": [1, 2]}),
            step("rate", 1, 3, input={"items": [1, 2]}, output={"mark": "good", "why": big}),
            step("mail", 3, 4),
            step("same", 4, 5),
        ],
    )
    b = await keeper.run(
        workflow,
        AFTER,
        inputs={"order": 2},
        output={"total": 10},
        workflow_version=2,
        steps=[
            step("fetch", 0, 2, output={"items": [1, 3, 4]}),
            failed("rate", 2, 3, retry=4, cost_usd=Decimal("0.5")),
            step(
                "rate",
                4,
                5,
                attempt=1,
                input={"items": [1, 3, 4]},
                output={"mark": "bad"},
                cost_usd=Decimal("0.25"),
            ),
            step("same", 5, 6),
            step("send", 6, 7),
        ],
    )
    told = await compare(talker, a, b)
    assert [(n["path"], n["only_in"], n["differs"]) for n in told["nodes"]] == [
        ("fetch", None, True),
        ("mail", "a", True),
        ("rate", None, True),
        ("same", None, False),
        ("send", "b", True),
    ]
    counts = ("only_in_a", "only_in_b", "different", "alike")
    assert [told[name] for name in counts] == [1, 1, 2, 1]
    fetch, mail, rate, _, _ = told["nodes"]
    assert fetch["output"] == [
        {"pointer": "/items/1", "action": "replaced", "a": 2, "b": 3},
        {"pointer": "/items/2", "action": "added", "a": None, "b": 4},
    ]
    assert (fetch["a"]["seconds"], fetch["b"]["seconds"]) == (1, 2)
    assert (mail["b"], mail["output"]) == (None, [])
    assert (rate["b"]["attempts"], rate["b"]["cost_usd"]) == (2, "0.75")
    assert [d["pointer"] for d in rate["input"]] == ["/items/1", "/items/2"]
    assert (rate["output"], rate["too_large"]) == ([], True)
    assert told["inputs"] == [{"pointer": "/order", "action": "replaced", "a": 1, "b": 2}]
    assert told["output"] == []
    assert {d["pointer"].rpartition("/")[0] for d in told["definition"]} >= {"/nodes/1"}
    part = await compare(talker, a, b, only="different", limit=2)
    assert ([n["path"] for n in part["nodes"]], part["has_more"]) == (["fetch", "mail"], True)
    cursor = part["next_cursor"]
    rest = await compare(talker, a, b, only="different", cursor=cursor)
    assert ([n["path"] for n in rest["nodes"]], rest["has_more"]) == (["rate", "send"], False)
    assert rest["next_cursor"] is None
    for runs, foreign, only in (
        ((a, b), cursor, "all"),
        ((b, a), cursor, "different"),
        ((a, b), "mail", "different"),
    ):
        body = {"a": str(runs[0]), "b": str(runs[1]), "only": only, "cursor": foreign}
        refused = await talker.call("POST", "/v1/workflow-runs/compare", json=body)
        assert (refused.status_code, refused.json()["code"]) == (400, "cursor_invalid")
        assert refused.json()["errors"][0]["pointer"] == "/body/cursor"
