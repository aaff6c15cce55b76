"""`retrieve` and `dictionary`: what the workspace knows, under the runner's own rights."""

import pytest
import pytest_asyncio

from tests.agents.local.test_knowing import HANDBOOK, collection_of, document_of
from tests.automation.nodes.conftest import Steps, access_of
from tests.knowledge.dictionary.conftest import new_keeper, term
from tests.support.chat import Talker
from tests.support.knowledge import indexed

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def handbook(app, talker):
    made = await collection_of(talker, "handbook")
    document = await document_of(talker, made, "travel.md", HANDBOOK.encode())
    await indexed(app, talker.person.workspace_id)
    return document


async def test_passages_are_found_by_a_collections_name(steps, handbook):
    query = "Which class on long train trips?"
    given = await steps.output("retrieve", {"query": query, "collections": ["handbook"]})

    (passage,) = given["passages"]
    assert "Trains are booked in first class" in passage["text"]
    assert passage["citation"]["document_id"] == handbook["id"]
    everything = await steps.output("retrieve", {"query": query, "mode": "lexical"})
    assert [each["kind"] for each in everything["passages"]] == ["document"]
    unknown = {"query": query, "collections": ["handbook", "nothing"]}
    assert (await steps.fault("retrieve", unknown)).code == "collection_not_found"


async def test_another_workspace_finds_nothing(steps, handbook, client):
    stranger = await new_keeper(client)
    access = access_of(Talker(client, stranger.person))
    given = await steps.output("retrieve", {"query": "trains"}, access=access)
    assert given == {"passages": []}


@pytest_asyncio.fixture(loop_scope="session")
async def words(app, address, steps, client):
    """The steps of someone whose dictionary prefers one term over another."""
    keeper = await new_keeper(client)
    body = {
        "dictionary_id": keeper.dictionary_id,
        "terms": [term("cell"), term("tiny room", status="forbidden")],
        "status": "approved",
    }
    entry = await keeper.made("/v1/dictionary/entries", body)
    await indexed(app, keeper.person.workspace_id)
    access = access_of(Talker(client, keeper.person))
    return Steps(steps.types, access, steps.starter), keeper.dictionary_id, entry


async def test_terms_are_found_looked_up_and_checked(words):
    steps, dictionary_id, entry = words
    of = {"dictionaries": [dictionary_id], "locale": "en"}
    text = "The cells divide in a tiny room."
    found = await steps.output("dictionary", {"action": "detect", "text": text, **of})
    checked = await steps.output("dictionary", {"action": "check", "text": text, **of})
    fine = await steps.output("dictionary", {"action": "check", "text": "A cell.", **of})
    looked = await steps.output("dictionary", {"action": "lookup", "term": "cell", **of})

    assert [each["surface"] for each in found["occurrences"]] == ["cells", "tiny room"]
    (violation,) = checked["violations"]
    assert (checked["ok"], violation["surface"], violation["preferred"]) == (
        False,
        "tiny room",
        ["cell"],
    )
    assert fine == {"ok": True, "violations": []}
    assert [each["id"] for each in looked["entries"]] == [entry["id"]]


async def test_what_an_action_is_about_must_be_given(steps):
    assert await steps.mistakes("dictionary", {"action": "check"}) == {"/text": "missing"}
    assert (await steps.fault("dictionary", {"action": "lookup"})).code == "config_invalid"
