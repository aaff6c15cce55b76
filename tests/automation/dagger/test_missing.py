"""Who has no engine, or not even the extra, is told so where the definition names it."""

import pytest
import pytest_asyncio

from tests.support.chat import Talker
from tests.support.identity import new_person

pytestmark = pytest.mark.asyncio(loop_scope="session")
FLOW = {
    "dsl": "flow/1",
    "nodes": [
        {"id": "one", "type": "transform", "with": {"value": 1}},
        {
            "id": "many",
            "type": "map",
            "with": {"items": [1]},
            "body": {
                "nodes": [
                    {"id": "run", "type": "dagger", "with": {"image": "a", "commands": [["x"]]}}
                ]
            },
        },
    ],
}
SAYS = {"engine": "LUMINOUS_DAGGER_CLI", "extra": "install the extra `dagger`"}


@pytest_asyncio.fixture(loop_scope="session")
async def talker(client):
    return Talker(client, await new_person(client))


@pytest.mark.parametrize("lacking", SAYS)
async def test_a_definition_is_refused_with_a_pointer_and_what_to_do(talker, monkeypatch, lacking):
    if lacking == "extra":
        monkeypatch.setattr("app.automation.nodes.dagger_engine.find_spec", lambda _: None)
    checked = await talker.call("POST", "/v1/workflows/validate", json={"definition": FLOW})
    (problem,) = checked.json()["errors"]
    assert problem["code"] == "dagger_unavailable"
    assert problem["pointer"].startswith("/body/definition/nodes/1/body/nodes/0")
    assert SAYS[lacking] in problem["detail"]
    refused = await talker.call("POST", "/v1/workflows", json={"name": "X", "definition": FLOW})
    assert (refused.status_code, refused.json()["code"]) == (422, "flow_invalid")
    assert refused.json()["errors"] == [problem]
    types = (await talker.call("GET", "/v1/workflow-node-types")).json()["data"]
    (shown,) = [each for each in types if each["type"] == "dagger"]
    assert shown["ready"] is False
    assert SAYS[lacking] in shown["missing"]
