"""A workspace's own tools: made, tried, called."""

from uuid import UUID, uuid4

import orjson
import pytest

from app.agents.tools.errors import ToolUnfit, ToolUnknown
from app.agents.tools.tool import ToolContext, ToolFault, Wanted
from app.core.auth import Access, Permission
from tests.agents.web.conftest import Answer, Site, json_answer, redirect
from tests.support.chat import Talker
from tests.support.identity import new_person

PATH = "/v1/tools/custom"
TOKEN = "a-very-secret-token-1"
PERSON = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "fields": {"type": "array", "items": {"type": "string"}},
        "note": {"type": "object"},
    },
    "required": ["id"],
}


def echo(request) -> Answer:
    body = request.body.decode()
    told = {"path": request.path, "query": dict(request.query), "body": body}
    return json_answer({"told": told, "headers": dict(request.headers)})


def access_of(talker) -> Access:
    person = talker.person
    ids = UUID(person.workspace_id), UUID(person.user_id)
    return Access(*ids, frozenset(Permission), "session", uuid4())


async def made(talker, status=201, *, url, request=None, **more):
    body = {
        "slug": "person",
        "description": "Finds a person.",
        "parameters": PERSON,
        "request": {"url": url, **(request or {})},
        **more,
    }
    answer = await talker.call("POST", PATH, json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


async def tried(talker, tool, send=True, **arguments):
    body = {"arguments": arguments, "send": send}
    answer = await talker.call("POST", f"{PATH}/{tool['id']}/test", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
def use(app, talker):
    async def used(slug="person", **arguments):
        access = access_of(talker)
        (tool,) = await app.state.agents.tools.open(access, Wanted(f"custom:{slug}"))
        return tool, await tool.call(ToolContext(access, uuid4(), "c", key="the-key"), arguments)

    return used


async def keep(talker, *hosts):
    secret = {"kind": "token", "token": TOKEN}
    body = {"name": "crm", "hosts": hosts, "secret": secret}
    assert (await talker.call("POST", "/v1/tools/credentials", json=body)).status_code == 201


async def test_arguments_go_where_their_places_are(talker, use):
    site = Site()
    site.pages["/people/a%2Fb"] = echo
    async with site:
        places = {"note": {"in": "header", "name": "X-Note"}}
        await made(talker, url=f"{site.url}/people/{{id}}?v=1", request={"places": places})
        tool, said = await use(id="a/b", fields=["x y", "z&"], note={"a": 1})
    told = said.data["value"]
    assert (tool.traits.effects, tool.traits.approval, tool.traits.idempotent) == (
        "read",
        "never",
        True,
    )
    (asked,) = site.asked
    assert (asked.path, asked.headers["x-note"]) == ("/people/a%2Fb", '{"a":1}')
    assert told["told"]["query"] == {"v": "1", "fields": "z&"}


async def test_a_write_sends_json_and_its_key_and_needs_a_person(talker, use):
    async with Site(**{"people/7": echo}) as site:
        request = {"method": "POST", "headers": {"X-App": "luminous"}}
        await made(
            talker,
            url=f"{site.url}/people/{{id}}",
            request=request,
            result={"pointer": "/told/body"},
        )
        tool, said = await use(id="7", note={"a": [1, None]}, fields=["x"])
    assert (tool.traits.effects, tool.traits.approval, tool.traits.idempotent) == (
        "external",
        "always",
        False,
    )
    assert orjson.loads(said.data["value"]) == {"note": {"a": [1, None]}, "fields": ["x"]}
    (asked,) = site.asked
    assert asked.headers["idempotency-key"] == "the-key"
    assert (asked.headers["x-app"], asked.headers["content-type"]) == (
        "luminous",
        "application/json",
    )


async def test_a_form_and_a_whole_content(talker):
    async with Site(**{"people/7": echo}) as site:
        url = f"{site.url}/people/{{id}}"
        form = await made(talker, url=url, request={"method": "PUT", "body_format": "form"})
        said = await tried(talker, form, id="7", fields=["a b", "c"])
        assert said["data"]["value"]["told"]["body"] == "fields=a+b&fields=c"
        places = {"note": {"in": "content"}, "fields": {"in": "query", "explode": False}}
        request = {"method": "PUT", "places": places}
        whole = await made(talker, slug="whole", url=url, request=request)
        said = await tried(talker, whole, id="7", note={"a": 1}, fields=["x", "y"])
    assert said["data"]["value"]["told"] == {
        "path": "/people/7",
        "query": {"fields": "x,y"},
        "body": '{"a":1}',
    }


async def test_a_trial_shows_what_would_be_sent_without_its_secret(talker):
    async with Site(**{"people/7": echo}) as site:
        await keep(talker, site.place)
        used = {"name": "crm", "in": "query", "field": "key"}
        tool = await made(talker, url=f"{site.url}/people/{{id}}", request={"credential": used})
        shown = await tried(talker, tool, send=False, id="7")
        assert (site.asked, shown["ok"], shown["text"]) == ([], None, None)
        assert shown["request"]["url"] == f"{site.url}/people/7?key=[secret]"
        said = await tried(talker, tool, id="7")
        assert site.asked[0].query["key"] == TOKEN
        assert (said["ok"], "[secret]" in said["text"]) == (True, True)
        wrong = await tried(talker, tool, id=7)
    assert (wrong["ok"], wrong["error"]["code"]) == (False, "bad_argument")
    assert TOKEN not in str((tool, shown, said, wrong))


async def test_no_secret_stands_in_the_trail_or_the_log(talker, caplog, capsys):
    async with Site(**{"people/7": echo}) as site:
        await keep(talker, site.place)
        tool = await made(
            talker, url=f"{site.url}/people/{{id}}", request={"credential": {"name": "crm"}}
        )
        await tried(talker, tool, id="7")
    trail = (await talker.call("GET", "/v1/audit-logs")).text
    assert "tool_credential" in trail
    assert TOKEN not in trail + caplog.text + "".join(capsys.readouterr())


@pytest.mark.parametrize("value", ["..", ".", "", "a/../b", "a\\..\\b", "../../admin"])
async def test_an_argument_stays_where_it_stands_in_the_path(talker, value):
    async with Site() as site:
        tool = await made(talker, url=f"{site.url}/people/{{id}}/x")
        said = await tried(talker, tool, id=value)
    assert (said["error"]["code"], site.asked) == ("bad_argument", [])


async def test_a_header_takes_no_second_line(talker):
    async with Site() as site:
        places = {"note": {"in": "header", "name": "X-Note"}}
        parameters = {**PERSON, "properties": {**PERSON["properties"], "note": {"type": "string"}}}
        tool = await made(
            talker, url=f"{site.url}/{{id}}", request={"places": places}, parameters=parameters
        )
        said = await tried(talker, tool, id="7", note="a\r\nX-Evil: 1")
    assert (said["error"]["code"], site.asked) == ("bad_argument", [])


async def test_a_redirect_leaves_neither_its_hosts_nor_with_its_credential(talker, use):
    async with Site(thief=echo) as thief, Site(**{"7": redirect(f"{thief.url}/thief")}) as site:
        await keep(talker, site.place, thief.place)
        request = {"credential": {"name": "crm"}}
        url = f"{site.url}/{{id}}"
        await made(talker, url=url, request=request)
        with pytest.raises(ToolFault) as raised:
            await use(id="7")
        assert (raised.value.code, thief.asked) == ("refused_address", [])
        policy = {"hosts": [site.place, thief.place]}
        await made(talker, slug="wide", url=url, request=request, policy=policy)
        await use("wide", id="7")
    assert "authorization" not in thief.asked[0].headers
    assert site.asked[-1].headers["authorization"] == f"Bearer {TOKEN}"


async def test_a_credential_that_is_for_another_host_is_not_sent(talker, use):
    async with Site(**{"7": echo}) as site:
        await keep(talker, "crm.example.com")
        await made(talker, url=f"{site.url}/{{id}}", request={"credential": {"name": "crm"}})
        with pytest.raises(ToolFault) as raised:
            await use(id="7")
    assert (raised.value.code, site.asked) == ("credential_unusable", [])


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (json_answer({"detail": "no"}, status=404), "not_found"),
        (json_answer({}, status=500), "http_status"),
        (json_answer({}, status=429, headers={"retry-after": "9"}), "rate_limited"),
        (json_answer({"other": 1}), "bad_answer"),
        (Answer(b"\x89PNG", "image/png"), "not_text"),
    ],
)
async def test_what_goes_wrong_is_told_with_a_code(talker, answer, code):
    async with Site(**{"7": answer}) as site:
        tool = await made(talker, url=f"{site.url}/{{id}}", result={"pointer": "/wanted"})
        assert (await tried(talker, tool, id="7"))["error"]["code"] == code


@pytest.mark.parametrize(
    ("more", "pointer"),
    [
        ({"url": "https://{id}.example.com/x"}, "/body/request/url"),
        ({"url": "https://a.example.com/x?q={id}"}, "/body/request/url"),
        ({"url": "https://a.example.com/{other}"}, "/body/request/url"),
        ({"url": "https://a.example.com/{note}"}, "/body/request/url"),
        ({"parameters": {"type": "array"}}, "/body/parameters/type"),
        (
            {"parameters": {"type": "object", "properties": {"id": {"type": "x"}}}},
            "/body/parameters",
        ),
        ({"parameters": {**PERSON, "$ref": "https://a.example.com/x"}}, "/body/parameters"),
        ({"request": {"headers": {"Authorization": "x"}}}, "/body/request/headers"),
        ({"request": {"headers": {"Host": "x"}}}, "/body/request/headers"),
        ({"request": {"places": {"id": {"in": "query"}}}}, "/body/request/places/id"),
        (
            {"request": {"credential": {"name": "crm", "in": "header"}}},
            "/body/request/credential/field",
        ),
        ({"policy": {"hosts": ["b.example.com"]}}, "/body/policy/hosts"),
        ({"policy": {"seconds": 121}}, "/body/policy/seconds"),
    ],
)
async def test_what_does_not_fit_together_is_refused(talker, more, pointer):
    whole = {"url": "https://a.example.com/{id}", **more}
    problem = await made(talker, status=422, **whole)
    assert [each["pointer"] for each in problem["errors"]] == [pointer]


async def test_addresses_within_are_refused_when_it_is_made(talker):
    for url in (
        "https://10.0.0.1/{id}",
        "http://a.example.com/{id}",
        "https://169.254.169.254/{id}",
    ):
        problem = await made(talker, status=400, url=url)
        assert problem["code"] == "address_refused"


async def test_it_is_listed_changed_switched_off_deleted_and_brought_back(talker, use, app):
    shown = await made(talker, url="https://a.example.com/{id}")
    path = f"{PATH}/{shown['id']}"
    taken = await made(talker, status=409, url="https://a.example.com/{id}")
    assert taken["code"] == "tool_slug_taken"
    etag = (await talker.call("GET", path)).headers["etag"]
    change = {"policy": {"approval": "always"}, "description": "Finds someone."}
    changed = await talker.call("PATCH", path, json=change, headers={"If-Match": etag})
    assert (changed.status_code, changed.json()["policy"]["approval"]) == (200, "always")
    late = await talker.call("PATCH", path, json=change, headers={"If-Match": etag})
    assert late.status_code == 412
    moved = {"request": {"url": "https://10.0.0.1/{id}"}}
    assert (await talker.call("PATCH", path, json=moved)).json()["code"] == "address_refused"
    access = access_of(talker)
    listed = await app.state.agents.custom_tools.listed(access)
    assert [(each.reference, each.ready) for each in listed] == [("custom:person", True)]
    bulk = {"items": [{"action": "disable", "id": shown["id"]}]}
    await talker.call("POST", f"{PATH}/bulk", json=bulk)
    with pytest.raises(ToolUnfit):
        await use(id="7")
    assert (await talker.call("DELETE", path)).status_code == 204
    with pytest.raises(ToolUnknown):
        await use(id="7")
    back = await talker.call("POST", f"{path}/restore")
    assert (back.status_code, back.json()["enabled"]) == (200, False)


async def test_nobody_else_finds_it(client, talker, app):

    shown = await made(talker, url="https://a.example.com/{id}")
    stranger = Talker(client, await new_person(client))
    assert (await stranger.call("GET", f"{PATH}/{shown['id']}")).status_code == 404
    with pytest.raises(ToolUnknown):
        await app.state.agents.tools.open(access_of(stranger), Wanted("custom:person"))


async def test_what_the_author_fixed_no_argument_changes(talker):
    async with Site(a=echo) as site:
        request = {"query": {"scope": "mine"}}
        tool = await made(
            talker, url=f"{site.url}/a", parameters={"type": "object"}, request=request
        )
        said = await tried(talker, tool, scope="all")
        assert (said["error"]["code"], site.asked) == ("bad_argument", [])
        assert (await tried(talker, tool, q="x"))["ok"]


async def test_a_key_with_signs_is_masked_in_a_trial(talker):
    key = "abc/d?f+g=="
    secret = {"kind": "token", "token": key}
    body = {"name": "signs", "hosts": ["a.example"], "secret": secret}
    kept = await talker.call("POST", "/v1/tools/credentials", json=body)
    assert kept.status_code == 201, kept.text
    request = {"credential": {"name": "signs", "in": "query", "field": "key"}}
    tool = await made(talker, url="https://a.example/{id}", request=request)
    sent = (await tried(talker, tool, send=False, id="1"))["request"]
    assert sent["url"] == "https://a.example/1?key=[secret]"
