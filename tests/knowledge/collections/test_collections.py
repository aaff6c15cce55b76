"""Collections: the whole resource, who sees which, and who may do what."""

from uuid import UUID

import pytest

from app.knowledge.collections import service
from app.knowledge.collections.source import DocumentSource
from tests.knowledge.ingestion.conftest import PROSE, new_shelf
from tests.support.identity import bearer, new_key, new_person
from tests.support.teams import new_team


@pytest.fixture
async def person(client):
    return await new_person(client)


async def make(http, person, **body):
    answer = await http.post(
        "/v1/collections", json={"name": "Handbook", **body}, headers=person.headers
    )
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_collection_is_made_changed_deleted_and_restored(client, person):
    made = await make(client, person, slug="handbook", metadata={"team": "blue"})
    assert (made["slug"], made["document_count"], made["passage_count"]) == ("handbook", 0, 0)
    assert made["chunking"] == {"tokens": 220, "overlap": 30}
    path = f"/v1/collections/{made['id']}"
    stale = await client.patch(
        path, json={"name": "X"}, headers={**person.headers, "If-Match": '"v9"'}
    )
    assert stale.status_code == 412
    changed = await client.patch(path, json={"name": "Manual"}, headers=person.headers)
    assert (changed.json()["name"], changed.headers["etag"]) == ("Manual", '"v2"')
    assert (await client.delete(path, headers=person.headers)).status_code == 204
    assert (await client.get(path, headers=person.headers)).status_code == 404
    gone = (await client.get("/v1/collections?deleted=true", headers=person.headers)).json()
    assert [each["id"] for each in gone["data"]] == [made["id"]]
    back = await client.post(f"{path}/restore", headers=person.headers)
    assert back.json()["deleted_at"] is None


async def test_a_collection_is_found_by_part_of_its_name_whatever_its_accents(client, person):
    made = await make(client, person, name="Règlement 100 %")
    await make(client, person, name="Rules 1000")
    for q, count in {"REGLE": 1, "règle": 1, "100 %": 1, "100%": 0}.items():
        listed = await client.get("/v1/collections", params={"q": q}, headers=person.headers)
        assert [each["id"] for each in listed.json()["data"]] == [made["id"]] * count, q


async def test_a_slug_is_made_of_the_name_and_taken_once(client, person):
    made = await make(client, person, name="Öffnungs-Zeiten & Mehr")
    assert made["slug"].startswith("offnungs-zeiten-mehr-")
    await make(client, person, slug="hours")
    taken = await client.post(
        "/v1/collections", json={"name": "X", "slug": "hours"}, headers=person.headers
    )
    assert (taken.status_code, taken.json()["code"]) == (409, "collection_slug_taken")


async def test_a_deleted_ones_slug_may_be_taken_and_is_then_missed(client, person):
    made = await make(client, person, slug="hours")
    await client.delete(f"/v1/collections/{made['id']}", headers=person.headers)
    await make(client, person, slug="hours")
    back = await client.post(f"/v1/collections/{made['id']}/restore", headers=person.headers)
    assert (back.status_code, back.json()["code"]) == (409, "collection_slug_taken")


@pytest.mark.parametrize(
    "body",
    [
        {"chunking": {"tokens": 15}},
        {"chunking": {"tokens": 9000}},
        {"chunking": {"tokens": 100, "overlap": 51}},
        {"slug": "Not A Slug"},
        {"visibility": "public"},
        {"embedding_model": "nobody/nothing"},
    ],
)
async def test_settings_have_bounds(client, person, body):
    answer = await client.post(
        "/v1/collections", json={"name": "X", **body}, headers=person.headers
    )
    assert answer.status_code == 422, answer.text


async def test_a_key_chooses_among_its_models_alone(client, person):
    key = await new_key(client, person, models=["other/*"])
    refused = await client.post(
        "/v1/collections",
        json={"name": "X", "embedding_model": "openai/text-embedding-3-small"},
        headers=bearer(key["key"]),
    )
    assert (refused.status_code, refused.json()["code"]) == (422, "embedding_model_not_usable")
    assert "API key" in refused.json()["detail"]
    local = await client.post("/v1/collections", json={"name": "X"}, headers=bearer(key["key"]))
    assert local.status_code == 201


async def test_a_workspace_has_a_bounded_number_of_collections(client, person, monkeypatch):
    monkeypatch.setattr(service, "MOST_COLLECTIONS", 1)
    made = await make(client, person)
    full = await client.post("/v1/collections", json={"name": "X"}, headers=person.headers)
    assert (full.status_code, full.json()["code"]) == (409, "too_many_collections")
    await client.delete(f"/v1/collections/{made['id']}", headers=person.headers)
    await make(client, person)


async def test_many_are_deleted_and_restored_at_once(client, person):
    one, two = await make(client, person), await make(client, person)
    for action in ("delete", "restore"):
        items = [{"action": action, "id": each["id"]} for each in (one, two)]
        done = await client.post(
            "/v1/collections/bulk", json={"items": items}, headers=person.headers
        )
        assert [each["ok"] for each in done.json()["data"]] == [True, True]


@pytest.fixture
async def team(client):
    host, guest = await new_person(client), await new_person(client)
    team = await new_team(client, host)
    member_id = await team.take_in(host, guest)
    return team, host, guest, member_id


async def created(team, person, **body):
    answer = await team.call(person, "POST", "/v1/collections", {"name": "Plans", **body})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def listed(team, person):
    found = await team.call(person, "GET", "/v1/collections")
    return [each["id"] for each in found.json()["data"]]


async def test_a_private_collection_is_seen_by_its_owner_alone(team):
    team, host, guest, _ = team
    private = await created(team, host, visibility="private")
    shared = await created(team, host)
    assert await listed(team, guest) == [shared["id"]]
    path = f"/v1/collections/{private['id']}"
    for method, body in (("GET", None), ("PATCH", {"name": "X"}), ("DELETE", None)):
        answer = await team.call(guest, method, path, body)
        assert (answer.status_code, answer.json()["code"]) == (404, "collection_not_found")
    upload = await team.call(guest, "POST", f"{path}/documents", content=b"text")
    assert upload.status_code == 404


async def test_a_share_opens_a_private_collection_as_far_as_it_says(team):
    team, host, guest, member_id = team
    private = await created(team, host, visibility="private")
    path = f"/v1/collections/{private['id']}"
    grantee = {"type": "member", "member_id": member_id}
    share = await team.call(host, "POST", f"{path}/shares", {"grantee": grantee, "level": "read"})
    assert (share.status_code, share.json()["resource_type"]) == (201, "collection")
    assert await listed(team, guest) == [private["id"]]
    refused = await team.call(guest, "PATCH", path, {"name": "X"})
    assert (refused.status_code, refused.json()["code"]) == (403, "collection_read_only")
    one = f"{path}/shares/{share.json()['id']}"
    await team.call(host, "PATCH", one, {"level": "write"})
    assert (await team.call(guest, "PATCH", path, {"name": "X"})).status_code == 200
    for method, where, body in (
        ("DELETE", path, None),
        ("PATCH", path, {"visibility": "workspace"}),
        ("GET", f"{path}/shares", None),
    ):
        answer = await team.call(guest, method, where, body)
        assert (answer.status_code, answer.json()["code"]) == (403, "collection_not_yours")
    assert (await team.call(host, "DELETE", one)).status_code == 204
    assert await listed(team, guest) == []


async def test_a_collection_has_no_links(team):
    team, host, _, _ = team
    made = await created(team, host, visibility="private")
    answer = await team.call(
        host, "POST", f"/v1/collections/{made['id']}/shares", {"grantee": {"type": "link"}}
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "share_invalid")


async def test_what_can_be_found_follows_shares_and_deletion(client, kernel, app):
    """The Source of documents: the wall in the query, and the one over what was found."""
    owner = await new_person(client)
    shelf = await new_shelf(client, owner, visibility="private")
    document = await shelf.add(PROSE)
    access = await kernel.resolver.resolve(owner.access_token, None)
    source = DocumentSource()

    async def seen():
        async with kernel.database.unit(access.scope) as session:
            reach = await source.reach(session, access)
            return reach, await source.visible(session, access, [UUID(document["id"])])

    reach, visible = await seen()
    assert [str(each) for each in reach.parents] == [shelf.id]
    assert {str(each) for each in visible} == {document["id"]}
    await shelf.call("DELETE", f"/v1/documents/{document['id']}")
    assert (await seen())[1] == set()
    await shelf.call("DELETE", shelf.path)
    assert await seen() == (None, set())
