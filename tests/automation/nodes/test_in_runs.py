"""The node types that act, within whole runs of the engine."""

from decimal import Decimal

import pytest
import pytest_asyncio

from tests.agents.databases.conftest import shop  # noqa: F401 - a fixture
from tests.agents.databases.test_querying import connected as connected_database
from tests.agents.local.test_knowing import collection_of
from tests.agents.runtime.conftest import bench  # noqa: F401 - a fixture
from tests.agents.web.conftest import Answer, Site, json_answer
from tests.automation.nodes.test_llm import USAGE
from tests.support.agents import Agency
from tests.support.chat import connected
from tests.support.fakes.base import Said, say
from tests.support.fakes.openai import FakeOpenAI
from tests.support.workflows.office import Office

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture
def office(talker):
    return Office(talker)


@pytest_asyncio.fixture(loop_scope="session")
async def agency(talker, bench):  # noqa: F811
    fake = FakeOpenAI()
    async with connected(talker, fake) as slug:
        yield Agency(talker, fake, bench, f"{slug}/gpt-4o")


async def test_models_agents_and_code_work_in_one_run(office, agency):
    agent = await agency.make()
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    await office.make(
        "chain",
        nodes=[
            {"id": "count", "type": "llm",
             "with": {"model": agency.model, "prompt": "Count {{ inputs.what }}.",
                      "output_schema": schema}},
            {"id": "ask", "type": "agent",
             "with": {"agent": agent["slug"],
                      "input": "Are {{ nodes.count.output.output.n }} many?"}},
            {"id": "told", "type": "code",
             "with": {"code": "result = {**data, 'n': data['n'] + 1}",
                      "data": {"n": "{{ nodes.count.output.output.n }}",
                               "said": "{{ nodes.ask.output.text }}"}}},
        ],
        edges=[{"from": "count", "to": "ask"}, {"from": "ask", "to": "told"}],
        outputs="{{ nodes.told.output }}",
    )  # fmt: skip
    agency.fake.will(say(Said(('{"n": 41}',))), say(Said(("No.",))))
    run = await office.run("chain", {"what": "sheep"})
    if run["status"] == "paused":
        await office.events(run["id"])
        run = await office.get(f"/v1/workflow-runs/{run['id']}")
    assert run["status"] == "completed", run
    assert run["output"] == {"n": 42, "said": "No."}
    assert "41" in str(agency.fake.last.body["messages"])


async def test_a_step_is_tried_again_after_a_passing_fault(office):
    answers = [Answer(b"no", status=503), json_answer({"ok": True})]
    async with Site(x=lambda _: answers.pop(0)) as site:
        await office.make(
            "patient",
            nodes=[
                {"id": "a", "type": "http", "with": {"url": f"{site.url}/x"},
                 "retry": {"max": 2, "delay": "0.05s"}},
            ],
            outputs="{{ nodes.a.output.body.ok }}",
        )  # fmt: skip
        run = await office.run("patient", {})
    assert (run["status"], run["output"], len(site.asked)) == ("completed", True, 2)


async def test_a_pipeline_goes_on_from_its_cursor(office, talker, shop):  # noqa: F811
    await connected_database(talker, slug="shop", dsn=shop.reader, max_rows=200)
    await collection_of(talker, "exports")
    await office.make(
        "orders",
        nodes=[
            {"id": "source", "type": "connector",
             "with": {"connector": "database", "operation": "read",
                      "options": {"database": "shop", "sql": "select id, total from orders",
                                  "cursor_column": "id", "cursor": "{{ inputs.cursor }}",
                                  "limit": 3}}},
            {"id": "clean", "type": "jsonata",
             "with": {"expression": "[input.{'id': id, 'cents': total * 100}]",
                      "input": {"input": "{{ nodes.source.output.rows }}"}}},
            {"id": "sink", "type": "connector",
             "with": {"connector": "collection", "operation": "write_rows",
                      "options": {"collection": "exports", "name": "orders.csv",
                                  "rows": "{{ nodes.clean.output }}"}}},
        ],
        edges=[{"from": "source", "to": "clean"}, {"from": "clean", "to": "sink"}],
        outputs={"cursor": "{{ nodes.source.output.cursor }}",
                 "rows": "{{ nodes.clean.output }}",
                 "written": "{{ nodes.sink.output.written }}"},
    )  # fmt: skip
    first = await office.run("orders", {"cursor": None})
    second = await office.run("orders", {"cursor": 3})
    assert first["status"] == second["status"] == "completed", first
    assert first["output"]["cursor"] == 3
    assert second["output"] == {
        "cursor": 6,
        "rows": [{"id": n, "cents": n * 150} for n in (4, 5, 6)],
        "written": 3,
    }


async def test_a_run_goes_on_within_its_budget(office, agency):
    one = {"type": "llm", "with": {"model": agency.model, "prompt": "Hi.",
                                   "max_output_tokens": 1000}}  # fmt: skip
    await office.make(
        "thrifty",
        nodes=[{"id": "a", **one}, {"id": "b", **one}],
        edges=[{"from": "a", "to": "b"}],
        settings={"budget_usd": "0.03"},
        outputs="{{ nodes.b.output.text }}",
    )
    agency.fake.will(*(say(Said((text,), usage=USAGE)) for text in ("One.", "Two.")))
    run = await office.run("thrifty", {})
    assert (run["status"], run["output"]) == ("completed", "Two."), run
    assert Decimal(run["cost_usd"]) == Decimal("0.025")


async def test_a_run_whose_budget_is_used_up_waits_and_goes_on_with_another(office, agency):
    ask = {"type": "llm", "with": {"model": agency.model, "prompt": "Hi.",
                                   "max_output_tokens": 1000}}  # fmt: skip
    await office.make(
        "spent",
        nodes=[{"id": "a", **ask}, {"id": "b", **ask}],
        edges=[{"from": "a", "to": "b"}],
        settings={"budget_usd": "0.015"},
        outputs="{{ nodes.b.output.text }}",
    )
    agency.fake.will(*(say(Said((text,), usage=USAGE)) for text in ("One.", "Two.")))
    run = await office.run("spent", {})
    assert run["status"] == "paused", run
    await office.post(f"/v1/workflow-runs/{run['id']}/resume", budget_usd="0.05")
    ended = (await office.events(run["id"])).events[-1]
    assert ended["result"]["output"] == "Two."
    assert len(agency.fake.requests) == 2
