"""The packs that come with the service: whole, safe where it matters, and kept once changed."""

import pytest

from app.agents.templates.body import AgentBody
from app.agents.templates.content import text_of, wrong_with
from app.agents.templates.pack import Pack, packs
from app.agents.templates.using import completed, rendered
from tests.agents.templates.conftest import DEMO

PACKS = {
    "education": "education",
    "finance": "finance",
    "healthcare-intake": "healthcare",
    "legal": "legal",
    "sales": "sales",
    "software": "software",
    "support": "support",
}
FLOWS = {"pipelines", "workflow-patterns", "workflows"}
ENTRIES = [
    (pack, entry) for pack in packs().values() if pack.name in PACKS for entry in pack.templates
]
ALL = pytest.mark.parametrize(
    ("pack", "entry"), ENTRIES, ids=[f"{pack.name}/{entry.entry}" for pack, entry in ENTRIES]
)
# What each template of a pack must say to whoever it is for.
NOTICES = {
    "finance": ["investment"],
    "healthcare-intake": ["diagnosis", "emergency"],
    "legal": ["not legal advice", "no legal advice"],
}


def test_there_is_a_pack_for_each_field_with_agents_and_prompts():
    assert {name: pack.category for name, pack in packs().items() if name in PACKS} == PACKS
    assert packs().keys() == {*PACKS, *FLOWS}
    for pack in (packs()[name] for name in PACKS):
        assert len(pack.templates) >= 3
        assert {entry.body.type for entry in pack.templates} == {"agent", "prompt"}
        assert len({entry.entry for entry in pack.templates}) == len(pack.templates)
    patterns = {
        entry.body.definition["pattern"]["type"]
        for _, entry in ENTRIES
        if isinstance(entry.body, AgentBody) and "pattern" in entry.body.definition
    }
    assert patterns == {"hand_off", "evaluator_optimizer", "orchestrator", "group"}


@ALL
def test_each_is_valid_and_its_examples_hold(pack, entry):
    assert wrong_with(entry.content) == []
    assert entry.description
    for example in entry.examples:
        told = rendered(entry.content, completed(entry.content, example.variables))
        assert told["tokens"] > 20


@ALL
def test_what_could_hurt_someone_says_what_it_is_not(pack, entry):
    said = text_of(entry.content, completed(entry.content, entry.examples[0].variables)).lower()
    # Reading an invoice advises nobody; everything else of these packs speaks to people.
    if pack.name in NOTICES and entry.entry != "invoice-reading":
        assert any(notice in said for notice in NOTICES[pack.name])
    if pack.category == "healthcare":
        assert "emergency" in said


async def test_a_pack_is_installed_once(templates):
    listed = (await templates.at("GET", "/packs")).json()["data"]
    assert {each["name"] for each in listed} == {*PACKS, *FLOWS}
    first = (await templates.at("POST", "/packs/legal/install")).json()
    assert {each["status"] for each in first["templates"]} == {"installed"}
    again = (await templates.at("POST", "/packs/legal/install")).json()
    assert [(each["status"], each["template_id"]) for each in again["templates"]] == [
        ("unchanged", each["template_id"]) for each in first["templates"]
    ]
    there = (await templates.at("GET", "?pack=legal")).json()["data"]
    assert {(each["status"], each["category"]) for each in there} == {("published", "legal")}
    assert {each["id"] for each in there} == {each["template_id"] for each in first["templates"]}
    lost = await templates.at("POST", "/packs/nothing/install", expect=404)
    assert lost.json()["code"] == "template_pack_not_found"


def renewed(name):
    """The pack as a later release could have it."""
    told = packs()[name].model_dump(mode="json")
    told["version"] += 1
    for entry in told["templates"]:
        entry["examples"][0]["name"] += " again"
    return {**packs(), name: Pack.model_validate(told)}


async def test_a_new_version_leaves_alone_what_was_changed(templates, monkeypatch):
    first = (await templates.at("POST", "/packs/finance/install")).json()["templates"]
    edited, other = first[0]["template_id"], first[1]["template_id"]
    mine = {"type": "prompt", "messages": [{"role": "system", "content": "Mine."}]}
    change = {"body": mine, "examples": []}
    await templates.at("PATCH", f"/{edited}", change)
    later = renewed("finance")
    monkeypatch.setattr("app.agents.templates.pack.packs", lambda: later)
    second = (await templates.at("POST", "/packs/finance/install")).json()
    assert second["version"] == 2
    assert [each["status"] for each in second["templates"]] == ["kept", "updated", "updated"]
    kept = (await templates.at("GET", f"/{edited}")).json()
    assert (kept["body"]["messages"][0]["content"], kept["pack_version"]) == ("Mine.", 1)
    updated = (await templates.at("GET", f"/{other}")).json()
    assert (updated["pack_version"], updated["labels"]) == (2, {"production": 2})


async def test_every_template_of_every_pack_answers_and_every_agent_is_made(templates):
    for name in PACKS:
        installed = (await templates.at("POST", f"/packs/{name}/install")).json()["templates"]
        for told, entry in zip(installed, packs()[name].templates, strict=True):
            example = entry.examples[0]
            path = f"/{told['template_id']}"
            asked = {"variables": example.variables, "input": example.input, "model": DEMO}
            answered = (await templates.at("POST", f"{path}/preview", asked)).json()
            assert answered["answer"]
            made = await templates.at(
                "POST", f"{path}/instantiate", {"variables": example.variables}, expect=201
            )
            is_agent = entry.body.type == "agent"
            assert (made.json()["agent_id"] is not None) == is_agent
            if is_agent:
                assert len(made.json()["member_ids"]) == len(entry.body.members)
