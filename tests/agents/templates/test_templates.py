"""Templates as a resource: made, changed, compared, taken back, shared, found."""

from uuid import UUID

import pytest
from sqlalchemy import update

from app.agents.templates.models import Template, TemplateVersion
from app.agents.templates.personal import TemplateStore
from app.core.db import SYSTEM
from app.oversight.privacy.people import Person
from tests.agents.templates.conftest import BODY, VARIABLES
from tests.support.identity import new_person
from tests.support.knowledge import indexed
from tests.support.teams import new_team


async def test_a_template_is_made_changed_deleted_and_restored(templates, stranger):
    made = await templates.make(slug="answers", metadata={"team": "blue"}, category="support")
    assert (made["slug"], made["kind"], made["status"]) == ("answers", "prompt", "draft")
    assert (made["current_version"], made["labels"]) == (1, {})
    path = f"/{made['id']}"
    await stranger.at("GET", path, expect=404)
    await templates.at("PATCH", path, {"name": "X"}, expect=412, If_Match='"v9"')
    etag = (await templates.at("GET", path)).headers["ETag"]
    await templates.at("GET", path, expect=304, If_None_Match=etag)
    renamed = {"name": "Replies", "metadata": None}
    changed = await templates.at("PATCH", path, renamed, If_Match=etag)
    assert changed.headers["ETag"] != etag
    told = changed.json()
    assert (told["name"], told["metadata"], told["current_version"]) == ("Replies", {}, 1)
    await templates.at("DELETE", path, expect=204)
    await templates.at("GET", path, expect=404)
    gone = (await templates.at("GET", "?deleted=true")).json()["data"]
    assert [each["id"] for each in gone] == [made["id"]]
    back = await templates.at("POST", f"{path}/restore")
    assert (back.json()["deleted_at"], back.json()["body"]["messages"]) == (None, BODY["messages"])


async def test_what_it_says_changes_in_a_new_version_and_is_taken_back(templates):
    made = await templates.make()
    path = f"/{made['id']}"
    body = {"type": "prompt", "messages": [{"role": "user", "content": "{{ question }}!"}]}
    changed = await templates.at("PATCH", path, {"body": body, "note": "Shorter"})
    assert changed.json()["current_version"] == 2
    same = await templates.at("PATCH", path, {"body": body})
    assert same.json()["current_version"] == 2
    diff = (await templates.at("GET", f"{path}/diff")).json()
    assert (diff["from_version"], diff["to_version"]) == (1, 2)
    told = {(each["action"], each["pointer"]) for each in diff["changes"]}
    assert ("removed", "/body/messages/1") in told
    assert ("replaced", "/body/messages/0/content") in told
    back = (await templates.at("POST", f"{path}/rollback", {"version": 1})).json()
    assert (back["current_version"], len(back["body"]["messages"])) == (3, 2)
    listed = (await templates.at("GET", f"{path}/versions")).json()["data"]
    assert [(each["number"], each["origin"]) for each in listed] == [
        (3, "rollback"),
        (2, "edited"),
        (1, "created"),
    ]
    assert listed[0]["digest"] == listed[2]["digest"] != listed[1]["digest"]
    second = (await templates.at("GET", f"{path}/versions/2")).json()
    assert (second["note"], second["body"]["messages"][0]["content"]) == (
        "Shorter",
        "{{ question }}!",
    )
    await templates.at("GET", f"{path}/versions/4", expect=404)


async def test_a_label_names_a_version_until_it_is_taken_away(templates):
    made = await templates.make()
    path = f"/{made['id']}"
    await templates.at("PATCH", path, {"variables": {**VARIABLES, "description": "New"}})
    set_to = await templates.at("PUT", f"{path}/labels/trial", {"version": 1})
    assert set_to.json()["labels"] == {"trial": 1}
    await templates.at("PUT", f"{path}/labels/trial", {"version": 7}, expect=404)
    refused = await templates.at("PUT", f"{path}/labels/draft", {"version": 1}, expect=422)
    assert refused.json()["errors"][0]["pointer"] == "/path/label"
    await templates.at("DELETE", f"{path}/labels/trial", expect=204)
    await templates.at("DELETE", f"{path}/labels/trial", expect=404)
    published = (await templates.at("POST", f"{path}/publish", {"version": 1})).json()
    assert (published["status"], published["labels"]) == ("published", {"production": 1})
    low = await templates.at("POST", f"{path}/publish", {"min_score": 0.5}, expect=409)
    assert low.json()["code"] == "template_score_low"


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        (
            {"body": {"type": "prompt", "messages": [{"role": "user", "content": "{{ nobody }}"}]}},
            "/body/body/messages/0/content",
            "variable_undeclared",
        ),
        (
            {"body": {"type": "prompt", "messages": [{"role": "user", "content": "{{ x() }}"}]}},
            "/body/body/messages/0/content",
            "template_invalid",
        ),
        (
            {"variables": {"type": "object", "properties": {"a": {"type": "nothing"}}}},
            "/body/variables",
            "template_invalid",
        ),
        (
            {
                "variables": {
                    "type": "object",
                    "properties": {"a": {"type": "integer", "default": "x"}},
                }
            },
            "/body/variables/properties/a/default",
            "template_invalid",
        ),
        (
            {"variables": {"type": "array"}},
            "/body/variables/type",
            "template_invalid",
        ),
        (
            {"body": {"type": "workflow", "workflow": {"dsl": "flow/9"}}},
            "/body/body/workflow/dsl",
            "template_invalid",
        ),
        (
            {"body": {"type": "agent", "definition": {"instructions": "Hi", "nonsense": 1}}},
            "/body/body/definition/nonsense",
            "extra_forbidden",
        ),
        (
            {"body": {"type": "agent", "definition": {"instructions": "{{ unknown }}"}}},
            "/body/body/definition/instructions",
            "unknown_variable",
        ),
        (
            {
                "examples": [
                    {"name": "One", "variables": {"question": "Why?"}, "contains": ["Bell"]}
                ]
            },
            "/body/examples/0/contains",
            "template_invalid",
        ),
        (
            {"examples": [{"name": "One", "variables": {}}]},
            "/body/examples/0/variables/question",
            "variable_missing",
        ),
    ],
)
async def test_what_cannot_be_used_is_refused_where_it_stands(templates, change, pointer, code):
    body = {"name": "Wrong", "variables": VARIABLES, "body": BODY, **change}
    assert (await templates.wrong("", body)).get(pointer) == code


async def test_a_template_stays_of_its_kind(templates):
    made = await templates.make()
    body = {"type": "workflow", "workflow": {"dsl": "flow/1"}}
    refused = await templates.at("PATCH", f"/{made['id']}", {"body": body}, expect=422)
    assert refused.json()["errors"][0]["pointer"] == "/body/body/type"


async def test_a_list_is_filtered(templates):
    one = await templates.make(category="sales", language="de")
    step = {"id": "hello", "type": "transform", "with": {"value": "Hello"}}
    body = {"type": "workflow", "workflow": {"dsl": "flow/1", "nodes": [step]}}
    two = await templates.make(name="Flow", body=body)

    async def found(query):
        return [each["id"] for each in (await templates.at("GET", f"?{query}")).json()["data"]]

    assert await found("category=sales") == [one["id"]]
    assert await found("kind=workflow") == [two["id"]]
    assert await found("language=de&status=draft") == [one["id"]]
    assert await found("q=flo") == [two["id"]]
    assert await found("status=archived") == []
    assert len(await found("limit=1")) == 1


async def test_many_are_archived_and_deleted_at_once(templates):
    one, two = await templates.make(), await templates.make()
    items = [
        {"action": "archive", "id": one["id"]},
        {"action": "delete", "id": two["id"]},
        {"action": "delete", "id": two["id"]},
    ]
    done = (await templates.at("POST", "/bulk", {"items": items})).json()["data"]
    assert [each["ok"] for each in done] == [True, True, False]
    refused = await templates.at("POST", f"/{one['id']}/render", {}, expect=409)
    assert refused.json()["code"] == "template_archived"
    await templates.at("POST", f"/{one['id']}/publish", {})
    values = {"variables": {"question": "Why?"}}
    await templates.at("POST", f"/{one['id']}/render", values)


async def test_a_copy_says_the_same_and_is_ones_own(templates):
    made = await templates.make(slug="first")
    await templates.make(slug="first", expect=409)
    copy = (
        await templates.at("POST", f"/{made['id']}/duplicate", {"name": "Second"}, expect=201)
    ).json()
    assert (copy["name"], copy["body"]) == ("Second", made["body"])
    assert copy["id"] != made["id"]


async def test_a_private_one_is_seen_by_its_owner_and_whom_it_is_shared_with(client):
    owner, other = await new_person(client), await new_person(client)
    team = await new_team(client, owner)
    await team.take_in(owner, other)
    member = await team.member_of(owner, other)
    body = {"name": "Secret", "visibility": "private", "variables": VARIABLES, "body": BODY}
    made = (await team.call(owner, "POST", "/v1/templates", body)).json()
    path = f"/v1/templates/{made['id']}"
    assert (await team.call(other, "GET", path)).status_code == 404
    assert (await team.call(other, "GET", "/v1/templates")).json()["data"] == []
    grantee = {"type": "member", "member_id": member["id"]}
    shared = await team.call(owner, "POST", f"{path}/shares", {"grantee": grantee})
    assert (shared.status_code, shared.json()["resource_type"]) == (201, "template")
    assert (await team.call(other, "GET", path)).json()["name"] == "Secret"
    refused = await team.call(other, "PATCH", path, {"name": "Mine"})
    assert (refused.status_code, refused.json()["code"]) == (403, "template_read_only")
    await team.call(owner, "PATCH", f"{path}/shares/{shared.json()['id']}", {"level": "write"})
    assert (await team.call(other, "PATCH", path, {"name": "Ours"})).status_code == 200
    kept = await team.call(other, "DELETE", path)
    assert (kept.status_code, kept.json()["code"]) == (403, "template_not_yours")
    link = await team.call(owner, "POST", f"{path}/shares", {"grantee": {"type": "link"}})
    assert link.json()["code"] == "share_invalid"


async def test_another_workspace_sees_nothing(templates, stranger):
    made = await templates.make()
    for path in ("", "/versions", "/versions/1", "/export", "/diff?from=1", "/usage", "/shares"):
        await stranger.at("GET", f"/{made['id']}{path}", expect=404)
    for path in ("render", "instantiate", "publish", "duplicate", "archive"):
        await stranger.at("POST", f"/{made['id']}/{path}", {}, expect=404)
    assert (await stranger.at("GET")).json()["data"] == []


async def test_a_search_finds_it_by_what_it_says_while_it_is_there(app, templates, stranger):
    said = "You explain how a sourdough starter is fed."
    body = {"type": "prompt", "messages": [{"role": "system", "content": said}]}
    made = await templates.make(name="Baker", body=body)
    await indexed(app, templates.person.workspace_id)

    async def found(maker):
        asked = {"query": "sourdough starter", "filters": {"kinds": ["template"]}}
        answer = await maker.call("POST", "/v1/search", json=asked)
        return [each["template_id"] for each in answer.json()["data"]]

    assert await found(templates) == [made["id"]]
    assert await found(stranger) == []
    await templates.at("DELETE", f"/{made['id']}", expect=204)
    assert await found(templates) == []


async def test_others_change_what_is_found_once_its_author_is_forgotten(app, kernel, templates):
    made = await templates.make(name="Baker")
    async with kernel.database.unit(SYSTEM) as session:
        for forgotten in (
            update(Template).values(owner_id=None).where(Template.id == UUID(made["id"])),
            update(TemplateVersion)
            .values(created_by_id=None)
            .where(TemplateVersion.template_id == UUID(made["id"])),
        ):
            await session.execute(forgotten)
    about = {"description": "How a sourdough starter is fed."}
    await templates.at("PATCH", f"/{made['id']}", about)
    await indexed(app, templates.person.workspace_id)
    asked = {"query": "sourdough starter", "filters": {"kinds": ["template"]}}
    found = (await templates.call("POST", "/v1/search", json=asked)).json()["data"]
    assert [about["description"] in each["text"] for each in found] == [True]


async def test_private_ones_go_with_their_owner(templates, kernel):
    mine = await templates.make(visibility="private")
    ours = await templates.make()
    person = templates.person
    told = Person(UUID(person.user_id), person.email)
    store, counted = TemplateStore(kernel.database), []

    class Tally:
        async def add(self, place, outcome, rows, session=None):
            counted.append((place, outcome, rows))

    assert await store.left(told) == 1
    await store.erase(told, Tally())
    assert (await store.left(told), counted) == (0, [("postgres/ai_templates", "deleted", 1)])
    await templates.at("GET", f"/{mine['id']}", expect=404)
    await templates.at("GET", f"/{ours['id']}")
