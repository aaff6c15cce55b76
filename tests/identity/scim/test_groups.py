"""/scim/v2/Groups, and the roles that come with them."""

from uuid import uuid4

from tests.identity.scim.conftest import GROUP
from tests.identity.scim.test_users import behind


async def role_of(kernel, directory, person):
    return (await behind(kernel, directory, person))[1].role


async def test_members_get_the_role_of_their_group(directory, sso_kernel):
    ada, bob = await directory.add(), await directory.add()
    group = await directory.add_group("engineering", ada)
    assert group["members"][0]["value"] == ada["id"]
    assert await role_of(sso_kernel, directory, ada) == "editor"
    assert await role_of(sso_kernel, directory, bob) == "viewer"
    shown = (await directory.ask("GET", f"/Users/{ada['id']}")).json()
    assert [each["display"] for each in shown["groups"]] == ["engineering"]

    added = {"op": "Add", "path": "members", "value": [{"value": bob["id"]}]}
    removed = {"op": "Remove", "path": f'members[value eq "{ada["id"]}"]'}
    assert (await directory.patch(group, added, removed)).status_code == 200
    assert await role_of(sso_kernel, directory, ada) == "viewer"
    assert await role_of(sso_kernel, directory, bob) == "editor"

    entra = {"op": "Remove", "path": "members", "value": [{"value": bob["id"]}]}
    assert (await directory.patch(group, entra)).status_code == 200
    assert await role_of(sso_kernel, directory, bob) == "viewer"


async def test_a_renamed_or_deleted_group_takes_its_role_along(directory, sso_kernel):
    ada = await directory.add()
    group = await directory.add_group("other", ada)
    assert await role_of(sso_kernel, directory, ada) == "viewer"
    renamed = {"op": "replace", "value": {"id": group["id"], "displayName": "Engineering"}}
    answer = await directory.patch(group, renamed)
    assert answer.status_code == 200, answer.text
    assert await role_of(sso_kernel, directory, ada) == "editor"
    assert (await directory.ask("DELETE", f"/Groups/{group['id']}")).status_code == 204
    assert await role_of(sso_kernel, directory, ada) == "viewer"


async def test_a_group_is_replaced_whole_and_found_by_its_name(directory):
    ada, bob = await directory.add(), await directory.add()
    group = await directory.add_group("Staff", ada)
    body = {"schemas": [GROUP], "displayName": "Staff", "members": [{"value": bob["id"]}]}
    answer = await directory.ask("PUT", f"/Groups/{group['id']}", body)
    assert [each["value"] for each in answer.json()["members"]] == [bob["id"]]
    assert answer.headers["etag"] != group["meta"]["version"]
    listed = (await directory.ask("GET", '/Groups?filter=displayName eq "staff"')).json()
    assert [each["id"] for each in listed["Resources"]] == [group["id"]]
    trimmed = await directory.ask("GET", f"/Groups/{group['id']}?excludedAttributes=members")
    assert "members" not in trimmed.json()


async def test_a_stranger_cannot_be_a_member(directory):
    body = {"schemas": [GROUP], "displayName": "G", "members": [{"value": str(uuid4())}]}
    answer = await directory.ask("POST", "/Groups", body)
    assert (answer.status_code, answer.json()["scimType"]) == (400, "invalidValue")
