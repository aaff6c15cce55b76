"""Each workflow that is shipped as a template: made, and run to its end."""

import pytest

from app.agents.templates.pack import packs
from app.automation.templates.making import WorkflowMaker
from tests.agents.databases.test_querying import connected as connected_database
from tests.agents.local.test_knowing import collection_of, document_of

pytestmark = pytest.mark.asyncio(loop_scope="session")
MODEL = "openai/gpt-4o"
ENTRIES = {
    (pack.name, entry.entry)
    for pack in packs().values()
    for entry in pack.templates
    if entry.body.type == "workflow"
}
# Containers take an engine, which no test has: these are checked and rehearsed, and not run.
CONTAINERS = {("workflow-patterns", "container-tests"), ("workflow-patterns", "container-data")}
RUNS = {}


def runs(pack, entry):
    """A test of one template; `studio` makes and runs it."""

    def kept(test):
        RUNS[pack, entry] = test
        return test

    return kept


@runs("workflows", "support-triage")
async def triage(studio):
    workflow = await studio.make("workflows", "support-triage", model=MODEL)
    ticket = {"subject": "Twice charged", "body": "I paid twice."}
    sure = {"category": "billing", "urgency": "low", "confidence": 0.9}
    studio.model.answers = [sure, {**sure, "urgency": "high"}]
    plain = (await studio.run(workflow, ticket))["output"]
    assert (plain["team"], plain["answered"], plain["reviewed"]) == ("billing", True, False)
    waits = await studio.run(workflow, ticket)
    assert waits["status"] == "paused"
    await studio.decide(decision="approve", data={"reply": "Better."})
    assert (await studio.ended(waits["id"]))["output"] == {
        **plain, "reviewed": True, "reply": "Better.",
    }  # fmt: skip


@runs("workflows", "invoice-approval")
async def invoices(studio):
    workflow = await studio.make("workflows", "invoice-approval", model=MODEL, threshold=100)
    read = {"number": "7", "supplier": "Acme", "amount": 99, "currency": "EUR"}
    studio.model.answers = [read, {**read, "amount": 900}, {**read, "amount": 800}]
    assert (await studio.run(workflow, {"text": "…"}))["output"]["outcome"] == "approved"
    large = await studio.run(workflow, {"text": "…"})
    await studio.decide(decision="approve", data={**read, "amount": 850})
    output = (await studio.ended(large["id"]))["output"]
    assert (output["outcome"], output["amount"]) == ("approved", 850)
    other = await studio.run(workflow, {"text": "…"})
    await studio.decide(decision="reject", comment="Too dear.")
    assert (await studio.ended(other["id"]))["output"]["outcome"] == "refused"


@runs("workflows", "rag-with-fallback")
async def answers(studio):
    collection = await collection_of(studio.talker, "travel")
    await document_of(studio.talker, collection, "t.md", b"# Trains\n\nTrains are booked first.\n")
    tool = studio.bench.add(
        "web",
        parameters={"type": "object", "properties": {"query": {"type": "string"}}},
        answer="By coach.",
    )
    workflow = await studio.make(
        "workflows",
        "rag-with-fallback",
        model=MODEL,
        collections=["travel"],
        search_tool="test:web",
    )
    studio.model.answers = [{"enough": True}, {"enough": False}]
    question = {"question": "How are trains booked?"}
    assert (await studio.run(workflow, question))["output"]["from"] == "knowledge"
    assert "Trains are booked first" in str(studio.model.last.body)
    assert (await studio.run(workflow, question))["output"]["from"] == "search"
    assert "By coach." in str(studio.model.last.body)
    assert [call[1] for call in tool.calls] == [{"query": question["question"]}]


@runs("workflows", "scheduled-report")
async def report(studio):
    url = f"{studio.world.url}/reports"
    sql = "select id, customer, total from orders where id <= 4"
    workflow = await studio.make(
        "workflows", "scheduled-report", model=MODEL, post_url=url, sql=sql
    )
    output = (await studio.run(workflow))["output"]
    assert (output["totals"]["rows"], output["totals"]["total"]) == (4, 15.0)
    assert studio.world.calls == [("POST", "/reports")]


@runs("workflows", "fan-out-research")
async def research(studio):
    workflow = await studio.make("workflows", "fan-out-research", model=MODEL, questions=2)
    studio.model.answers = [{"questions": ["Why?", "How?", "When?"]}]
    run = await studio.run(workflow, {"topic": "Bees"})
    assert run["output"] == {"report": "Done.", "failed": 0}
    assert "How?: Done." in str(studio.model.last.body)
    assert "When?" not in str(studio.model.last.body)


@runs("workflows", "booking-saga")
async def saga(studio):
    workflow = await studio.make("workflows", "booking-saga", api=studio.world.url)
    booked = (await studio.run(workflow, {"trip": "Rome"}))["output"]
    assert booked == {"booked": True, "flight": "flights-1", "hotel": "hotels-1"}
    studio.world.asked.clear()
    studio.world.failing = {"payments"}
    failed = await studio.run(workflow, {"trip": "Rome"})
    assert failed["output"] == {"booked": False, "why": "http_status"}
    assert studio.world.calls == [
        ("POST", "/flights"),
        ("POST", "/hotels"),
        ("POST", "/payments"),
        ("DELETE", "/hotels/hotels-1"),
        ("DELETE", "/flights/flights-1"),
    ]


@runs("workflows", "content-moderation")
async def moderation(studio):
    workflow = await studio.make("workflows", "content-moderation", model=MODEL)
    studio.model.answers = [{"risk": risk, "why": "So."} for risk in (0.1, 0.95, 0.5)]
    text = {"text": "Hello."}
    assert (await studio.run(workflow, text))["output"]["published"] is True
    assert (await studio.run(workflow, text))["output"]["published"] is False
    doubtful = await studio.run(workflow, text)
    await studio.decide(decision="approve")
    assert (await studio.ended(doubtful["id"]))["output"]["published"] is True


@runs("workflows", "lead-routing")
async def leads(studio):
    world = studio.world
    urls = {"enrich_url": f"{world.url}/companies", "crm_url": f"{world.url}/crm"}
    workflow = await studio.make("workflows", "lead-routing", model=MODEL, **urls)
    studio.model.answers = [{"score": score, "why": "So."} for score in (90, 10)]
    hot = await studio.run(workflow, {"email": "a@acme.example", "message": "We want ten."})
    assert hot["output"] == {"heat": "hot", "score": 90, "known": True}
    assert dict(world.asked[0].query) == {"domain": "acme.example"}
    world.failing = {"companies"}
    cold = await studio.run(workflow, {"email": "b@other.example", "message": "Hm."})
    assert cold["output"] == {"heat": "cold", "score": 10, "known": False}
    assert [path for _, path in world.calls].count("/crm") == 1


@runs("workflows", "evaluator-optimizer")
async def improving(studio):
    workflow = await studio.make("workflows", "evaluator-optimizer", model=MODEL)
    studio.model.answers = [
        {"score": 0.3, "advice": "Be shorter."}, {"score": 0.9, "advice": ""},
    ]  # fmt: skip
    output = (await studio.run(workflow, {"task": "Write."}))["output"]
    assert output == {"text": "Done.", "score": 0.9, "rounds": 2}
    assert any("Be shorter." in str(request.body) for request in studio.model.requests)


@runs("workflows", "incident-escalation")
async def incident(studio):
    settings = {"notify_url": f"{studio.world.url}/notify", "patience": "0.2s"}
    workflow = await studio.make("workflows", "incident-escalation", **settings)
    run = await studio.run(workflow, {"incident": "i1", "title": "Down"})
    output = (await studio.ended(run["id"]))["output"]
    assert output == {"attended": False, "by": "nobody"}
    assert studio.world.calls == [("POST", "/notify")] * 2


@runs("workflow-patterns", "retry")
async def retrying(studio):
    url = f"{studio.world.url}/report"
    workflow = await studio.make("workflow-patterns", "retry", url=url, delay="0.05s", tries=2)
    studio.world.failing = {"report"}
    assert (await studio.run(workflow))["status"] == "failed"
    assert len(studio.world.calls) == 1  # 400 is no fault that passes
    studio.world.failing = set()
    assert (await studio.run(workflow))["output"]["id"] == "report-1"


@runs("workflow-patterns", "circuit-breaker")
async def breaking(studio):
    settings = {"url": f"{studio.world.url}/prices", "failures": 2, "otherwise": [1]}
    workflow = await studio.make("workflow-patterns", "circuit-breaker", **settings)
    assert (await studio.run(workflow))["output"]["stale"] is False
    studio.world.failing, studio.world.status = {"prices"}, 503
    outputs = [(await studio.run(workflow))["output"] for _ in range(3)]
    assert [each["value"] for each in outputs] == [[1]] * 3
    assert len(studio.world.calls) == 3  # the last one was not even tried


@runs("workflow-patterns", "cache")
async def caching(studio):
    workflow = await studio.make("workflow-patterns", "cache", model=MODEL)
    for text in ("Long.", " Long. "):
        assert (await studio.run(workflow, {"text": text}))["output"] == "Done."
    assert len(studio.model.requests) == 1


@runs("workflow-patterns", "parallel")
async def side_by_side(studio):
    workflow = await studio.make("workflow-patterns", "parallel", model=MODEL)
    output = (await studio.run(workflow, {"text": "Long."}))["output"]
    assert output == {"summary": "Done.", "title": "Done.", "length": 5}


@runs("workflow-patterns", "recovery")
async def recovering(studio):
    urls = {name: f"{studio.world.url}/{name}" for name in ("first_url", "second_url")}
    workflow = await studio.make("workflow-patterns", "recovery", **urls)
    outputs = []
    for failing in ({"first_url"}, {"first_url", "second_url"}):
        studio.world.failing = failing
        outputs.append((await studio.run(workflow, {"order": "7"}))["output"])
    assert outputs == [
        {"done": True, "way": "second"},
        {"done": False, "way": None, "why": "http_status"},
    ]


@runs("pipelines", "file-to-http")
async def from_a_file(studio):
    collection = await collection_of(studio.talker, "files")
    content = b"id,name\n1,Ada\n2\n3,Bob\n,Eve\n4,Zoe\n"
    document = await document_of(studio.talker, collection, "people.csv", content)
    workflow = await studio.make(
        "pipelines",
        "file-to-http",
        url=f"{studio.world.url}/people",
        page=2,
        row_schema={"properties": {"id": {"minLength": 1}}},
    )
    given = {"document_id": document["id"]}
    output = (await studio.run(workflow, given))["output"]
    assert (output["written"], output["rejected"]) == (3, 2)
    assert {each["code"] for each in output["rejects"]} == {"row_invalid"}
    assert set(studio.world.calls) == {("PUT", f"/people/{n}") for n in (1, 3, 4)}
    assert (await studio.run(workflow, given))["output"]["written"] == 0


@runs("pipelines", "documents-to-collection")
async def ingesting(studio):
    inbox = await collection_of(studio.talker, "inbox")
    target = await collection_of(studio.talker, "summaries")
    document = await document_of(studio.talker, inbox, "letter.md", b"Dear all,\n\nbye.\n")
    workflow = await studio.make("pipelines", "documents-to-collection", model=MODEL)
    run = await studio.run(workflow)
    assert run["output"] == {"written": 1, "failed": []}
    (made,) = (await studio.office.get(f"/v1/collections/{target['id']}/documents"))["data"]
    assert made["name"] == f"{document['id']}.md"
    assert made["metadata"] == {
        "source": "inbox", "document_id": document["id"], "run_id": run["id"],
    }  # fmt: skip
    assert (await studio.run(workflow))["output"]["written"] == 0


ELSEWHERE = {
    ("pipelines", f"{source}-to-{sink}")
    for source in ("database", "http")
    for sink in ("collection", "database")
} | {("pipelines", "file-to-database")}


async def test_every_template_of_a_workflow_is_run():
    """Those of `ELSEWHERE` in test_pipelines.py and test_into_databases.py."""
    assert {*RUNS, *CONTAINERS, *ELSEWHERE} == ENTRIES
    assert len(ENTRIES) >= 20
    assert all("After " in entry.description for name in ("workflows", "pipelines")
               for entry in packs()[name].templates)  # fmt: skip


@pytest.mark.parametrize("which", RUNS, ids="/".join)
async def test_it_runs(studio, shop, which):
    if which == ("workflows", "scheduled-report"):
        await connected_database(studio.talker, slug="shop", dsn=shop.reader, max_rows=200)
    await RUNS[which](studio)


@pytest.mark.parametrize("which", sorted(CONTAINERS), ids="/".join)
async def test_contract_of_a_container_without_an_engine(studio, app, which):
    """Its definition is sound but for the engine that is not there, which is said."""
    path = f"/v1/templates/{await studio.template(*which)}"
    told = await studio.office.post(f"{path}/preview")
    assert told["definition"]["dsl"] == "flow/1"
    assert {each["code"] for each in told["errors"]} == {"dagger_unavailable"}
    refused = await studio.talker.call("POST", f"{path}/instantiate", json={})
    assert (refused.status_code, refused.json()["code"]) == (422, "template_variables_invalid")
    maker = app.state.agents.makers.workflows
    assert isinstance(maker, WorkflowMaker)
    assert maker.mistakes(told["definition"], "") == []
