"""Bad ids in paths, bad queries and bad headers, on every operation that takes them."""

import json
from collections import defaultdict
from uuid import uuid4

import pytest
import pytest_asyncio

from tests.support.identity import new_key
from tests.support.mistakes import complaint
from tests.support.openapi import NUMBERED, QUICK
from tests.support.raw_http import as_pairs, exchange
from tests.support.sampling import part_for, part_of

BAD_IDS = {
    "a word": b"abc",
    "a number": b"1",
    "10,000 characters": b"a" * 10_000,
    "a UUID cut short": b"01976f6e-2d3a-7c41-9d52-6a1f0c9b7e1",
    "a UUID and more": b"01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11x",
    "NUL": b"%00",
    "a UUID and NUL": b"01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11%00",
    "no UTF-8": b"%ff%fe",
    "a surrogate": b"%ed%a0%80",
    "half an escape": b"%f",
    "no escape": b"%zz",
    "raw bytes": b"\xc3\xa9",
    "dots": b"..",
    "spaces": b"%20%20",
    "line breaks": b"%0d%0aSet-Cookie:%20a=b",
    "SQL": b"'%20or%201=1--",
    "a template": b"{run_id}",
}
BAD_VALUES = {
    "integer": [b"abc", b"-1", b"1" + b"0" * 30, b"", b"1.5", b"NaN", b"%ff", b"0x10", b"1e3"],
    "number": [b"abc", b"", b"NaN", b"-inf", b"%ff", b"0x10"],
    "boolean": [b"maybe", b"2", b"", b"%ff"],
    "string": [b"x" * 10_000],
    "array": [b"x" * 10_000],
}
ODD_VALUES = [
    b"%ff%fe",
    b"%ed%a0%80",
    b"%e2%80%ae",
    b"%F0%9F%92%A9",
    b"%25",
    b"'\"\\%0d%0a",
    b"*:|&!()",
]
BAD_AUTHORIZATION = {
    "empty": b"",
    "no scheme": b"abc",
    "no token": b"Bearer",
    "a blank token": b"Bearer  ",
    "another scheme": b"Basic YTpi",
    "bytes": b"Bearer \xff\xfe\x80",
    "UTF-8": "Bearer caf\u00e9 \U0001f4a9".encode(),
    "a bare key prefix": b"Bearer lum_live_",
    "a key of bytes": b"Bearer lum_live_" + b"\xe9" * 36,
    "a mistyped key": b"Bearer lum_live_" + b"A" * 36,
    "an empty token": b"Bearer ..",
    "a token without a signature": b"Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.",
    "a token of noise": b"Bearer " + b"x" * 20 + b"." + b"y" * 20 + b"." + b"z" * 85 + b"A",
    "a list in a header": b"Bearer W10.W10." + b"A" * 86,
    "a long token": b"Bearer " + b"a" * 20_000,
    "deep JSON": b"Bearer " + b"W1tb" * 100 + b".W1tb." + b"A" * 86,
    "two": b"Bearer a, Bearer b",
}
BAD_EVENT_IDS = [
    b"x", b":", b"1", b"-1", b"0:0", b"\xff:1", b"01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11",
    b"01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11:", b"01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11:-1",
    b"01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11:1.5", b"01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11:9999999999",
    b"01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11:1:1", b"--------------------------------:1",
    b"01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11:\xb2", b"x" * 101, b"x" * 20_000,
]  # fmt: skip


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def rich(http, caller):
    """The caller with two of nearly everything that is listed."""
    await new_key(http, caller.person)
    consent = {"purpose": "newsletter", "text_version": "1", "granted": True}
    for path, body in {
        "/v1/workspaces": {"name": "Second"},
        "/v1/integrations": {"kind": "demo", "slug": "second-demo"},
        "/v1/chat": {"messages": [{"role": "user", "content": "Hi"}], "model": QUICK},
        "/v1/roles": {"name": "Second", "permissions": ["models:read"]},
        "/v1/service-accounts": {"name": "Second", "role": "viewer"},
        "/v1/invitations": {"email": "second@example.com", "role": "viewer"},
        "/v1/privacy/consents": consent,
    }.items():
        answer = await http.post(path, json=body, headers=caller.headers)
        assert answer.is_success, answer.text
    return caller


async def ask(address, operation, tenant, target, extra=()):
    body = b"" if operation.body is None else json.dumps(operation.example()).encode()
    headers = [*as_pairs(tenant.headers), *extra, (b"Content-Length", str(len(body)).encode())]
    if body:
        headers.append((b"Content-Type", b"application/json"))
    return await exchange(address, operation.method, target, headers, body)


@pytest.mark.parametrize("case", BAD_IDS)
async def test_a_bad_id_in_a_path_is_refused(address, operations, caller, case):
    asked, wrong = 0, []
    for operation in part_for(operations, case, BAD_IDS):
        for name in set(operation.path_parameters) - set(NUMBERED):
            asked += 1
            place = str(uuid4())
            target = operation.address({**caller.ids, name: place}).encode()
            answer = await ask(
                address, operation, caller, target.replace(place.encode(), BAD_IDS[case])
            )
            if answer.status_code == 422:
                said = complaint(answer, where=(f"/path/{name}",))
            else:
                said = complaint(answer)
                if answer.status_code not in (400, 404, 405) and "problem" not in said:
                    said = said or f"answers {answer.status_code}"
            # httptools itself refuses an address that HTTP does not allow, in plain text.
            if said and b"Invalid HTTP request" not in answer.content:
                wrong.append((operation.id, name, said))
    assert wrong == []
    assert asked > 20


# Takes the slug of a route that everyone has, too: an id or a word that nothing has is 404.
NAMED_BY_SLUG = {"routes_explain"}
# Names, not ids: one that nothing has is not found.
NAMES = {"address", "agent", "form_token", "hook_token", "pack_name", "workflow"}
# Whoever uses them gives them, so that any may be new.
FREE = {"chat_id", "label"}


async def test_what_is_no_uuid_is_pointed_at(http, operations, caller):
    wrong = []
    for operation in operations:
        for name in operation.path_parameters:
            if name in FREE:
                continue
            by_slug = operation.id in NAMED_BY_SLUG or name in NAMES
            answer = await http.request(
                operation.method,
                operation.address({**caller.ids, name: "abc"}),
                json=operation.example(),
                headers=caller.headers,
            )
            said = complaint(answer, where=() if by_slug else (f"/path/{name}",))
            if said or answer.status_code != (404 if by_slug else 422):
                wrong.append((operation.id, name, said))
    assert wrong == []


# One dependency reads it, on every write: it is asked of these for all.
TRIED = {"conversations_create", "integrations_update", "api_keys_delete"}


def queries(operations):
    """Every parameter of a query that an operation reads by itself."""
    for operation in operations:
        for parameter in operation.parameters:
            if parameter["name"] == "dry_run" and operation.id not in TRIED:
                continue
            if parameter["in"] == "query":
                schema = parameter["schema"]
                kinds = [schema, *schema.get("anyOf", []), schema.get("items", {})]
                kind = next(k["type"] for k in kinds if "type" in k)
                closed = any("enum" in k or "format" in k or "const" in k for k in kinds)
                yield operation, parameter["name"], kind, closed


async def test_a_bad_value_in_a_query_is_refused_with_a_pointer_to_it(address, operations, rich):
    asked, wrong = 0, []
    for turn, (operation, name, kind, closed) in enumerate(queries(operations)):
        bad = BAD_VALUES[kind] + ([b"no-such-value", b""] if closed else [])
        bad += [b"0", b"201"] if name == "limit" else []
        bad += [f"&{name}=a".encode() * 100] if kind == "array" else []
        for value in part_of(bad, turn, min(2, len(bad))):
            asked += 1
            target = f"{operation.address(rich.ids)}?{name}=".encode() + value
            answer = await ask(address, operation, rich, target)
            said = complaint(answer, where=(f"/query/{name}",))
            if said or answer.status_code != 422:
                wrong.append((operation.id, name, value[:20], answer.status_code, said))
    assert wrong == []
    assert asked > 80


async def test_an_odd_value_in_a_query_never_breaks_a_list(address, operations, rich):
    wrong = []
    for value in ODD_VALUES:
        for operation, name, _, _ in part_for(queries(operations), value, ODD_VALUES):
            target = f"{operation.address(rich.ids)}?{name}=".encode() + value
            answer = await ask(address, operation, rich, target)
            if said := complaint(answer):
                wrong.append((operation.id, name, value, said))
    assert wrong == []


async def test_nul_in_a_query_is_refused(address, operations, rich):
    for operation, name, _, _ in queries(operations):
        target = f"{operation.address(rich.ids)}?{name}=%00".encode()
        answer = await ask(address, operation, rich, target)
        assert complaint(answer) == "", (operation.id, name)
        assert answer.status_code == 400, (operation.id, name)


async def test_an_unknown_parameter_of_a_list_is_refused(http, operations, rich):
    for operation in operations:
        if not operation.is_list:
            continue
        path = operation.address(rich.ids)
        unknown = await http.get(path, params={"limt": 1}, headers=rich.headers)
        assert complaint(unknown, where=("/query/limt",)) == "", operation.id
        assert unknown.status_code == 422, operation.id
        doubled = await http.get(f"{path}?limit=1&limit=x", headers=rich.headers)
        assert complaint(doubled, where=("/query/limit",)) == "", operation.id


async def test_a_cursor_opens_only_the_list_it_was_made_for(http, operations, rich, owner):
    lists = [operation for operation in operations if operation.is_list and operation.guarded]
    cursors = {}
    for operation in lists:
        page = await http.get(
            operation.address(rich.ids), params={"limit": 1}, headers=rich.headers
        )
        if cursor := page.json()["next_cursor"]:
            cursors[operation.id] = cursor
    assert len(cursors) >= 12
    for turn, operation in enumerate(lists):
        # A list of one has no cursor of its own; what is broken is then another's.
        own = cursors.get(operation.id) or next(iter(cursors.values()))
        bad = {
            "garbage": "x", "long garbage": "x" * 999, "blank": " ", "an accent": "\u00e9",
            "truncated": own[:-2], "halved": own[: len(own) // 2], "longer": own + "AA",
            "one more": own + "A", "padded": own + "==", "broken": f"{own[:4]}!{own[4:]}",
            "swapped": own[::-1], "changed": ("B" if own[0] == "A" else "A") + own[1:],
        }  # fmt: skip
        others = [(name, cursor) for name, cursor in cursors.items() if name != operation.id]
        for case, cursor in [*part_of(bad.items(), turn, 3), *part_of(others, turn, 8)]:
            answer = await http.get(
                operation.address(rich.ids), params={"cursor": cursor}, headers=rich.headers
            )
            assert refused_cursor(answer), (operation.id, case, answer.text)
        foreign = await http.get(
            operation.address(owner.ids), params={"cursor": own}, headers=owner.headers
        )
        assert refused_cursor(foreign), (operation.id, "of another tenant", foreign.text)
        if operation.id in cursors:
            good = await http.get(
                operation.address(rich.ids), params={"cursor": own}, headers=rich.headers
            )
            assert good.status_code == 200, operation.id


def refused_cursor(answer):
    said = complaint(answer, where=("/query/cursor",))
    return not said and (answer.status_code, answer.json().get("code")) == (400, "cursor_invalid")


@pytest.mark.parametrize("case", BAD_AUTHORIZATION)
async def test_a_bad_authorization_is_401(address, operations, case):
    wrong = []
    for operation in operations:
        if not operation.guarded:
            continue
        target = operation.path.replace("{", "").replace("}", "").encode()
        header = [(b"Authorization", BAD_AUTHORIZATION[case])]
        answer = await exchange(address, operation.method, target, header)
        if complaint(answer) or answer.status_code != 401:
            wrong.append((operation.id, answer.status_code, complaint(answer)))
    assert wrong == []


@pytest.mark.parametrize("value", [b"x", b"", b"\xff", b"a" * 10_000, b"0" * 31, b"'--"])
async def test_a_bad_workspace_header_is_refused(address, operations, caller, value):
    for operation in operations:
        if operation.guarded:
            target = operation.address(caller.ids).encode()
            answer = await ask(address, operation, caller, target, [(b"X-Workspace-Id", value)])
            assert complaint(answer) == "", operation.id
            assert answer.status_code == 400, operation.id


@pytest.mark.parametrize("value", BAD_EVENT_IDS)
async def test_a_bad_last_event_id_is_refused(address, operations, caller, value):
    taking = [o for o in operations if any(p["name"] == "last-event-id" for p in o.parameters)]
    assert len(taking) >= 3
    for operation in taking:
        target = operation.address(caller.ids).encode()
        answer = await ask(address, operation, caller, target, [(b"Last-Event-ID", value)])
        assert complaint(answer) == "", operation.id
        assert answer.status_code in (400, 422), operation.id


async def test_a_position_beyond_the_end_of_a_run_is_refused(http, caller):
    path = f"/v1/runs/{caller.ids['run_id']}/events"
    for after in (caller.run["last_seq"] + 1, 2**31 - 1):
        answer = await http.get(path, params={"after": after}, headers=caller.headers)
        assert complaint(answer) == ""
        assert answer.status_code == 400, after


@pytest.mark.parametrize("method", ["PUT", "TRACE", "OPTIONS", "PROPFIND", "CONNECT"])
async def test_another_method_is_405(address, operations, caller, method):
    methods = defaultdict(set)
    for operation in operations:
        methods[operation.address(caller.ids)].add(operation.method)
    for path, taken in methods.items():
        if method in taken:
            continue
        answer = await exchange(address, method, path.encode(), as_pairs(caller.headers))
        if b"Invalid HTTP" in answer.content:  # uvicorn's parser knows no such method
            assert answer.status_code == 400, path
            continue
        assert complaint(answer) == "", path
        assert answer.status_code == 405, path
        assert set(answer.headers["allow"].split(", ")) >= taken, path
