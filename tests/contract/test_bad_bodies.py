"""Whole bodies that are no JSON object, or too large, on every operation that takes one."""

import json

import pytest

from tests.support.mistakes import complaint
from tests.support.raw_http import as_pairs, exchange
from tests.support.sampling import part_for

JSON = "application/json"
NOT_AN_OBJECT = {
    "list": b"[]",
    "list of objects": b"[{}]",
    "string": b'"x"',
    "number": b"1",
    "true": b"true",
}
MALFORMED = {
    "a word": b"hello",
    "cut short": b'{"name": "x"',
    "trailing comma": b'{"name": "x",}',
    "single quotes": b"{'name': 'x'}",
    "two values": b"{} {}",
    "a comment": b"{} // x",
    "a form": b"name=x&a=b",
    "byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"name": "x"}'.encode("utf-16"),
    "gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00",
    "only blanks": b"   ",
    "NUL bytes": b"\x00\x00\x00\x00",
    "100,000 levels of objects": b'{"a":' * 100_000,
    "NUL in a key": b'{"a\\u0000b": 1}',
}
OTHER_TYPES = {
    "plain text": "text/plain",
    "a form": "application/x-www-form-urlencoded",
    "multipart": "multipart/form-data; boundary=x",
    "XML": "application/xml",
    "nothing known": "x",
    "only a slash": "/",
    "empty": "",
    "bytes": "application/octet-stream",
}


@pytest.fixture
def with_body(operations):
    return [operation for operation in operations if operation.body]


@pytest.fixture
def send(http, caller):
    async def sent(operation, content, kind=JSON, **headers):
        return await http.request(
            operation.method,
            operation.address(caller.ids),
            content=content,
            headers={
                **(caller.headers if operation.guarded else {}),
                "content-type": kind,
                **headers,
            },
        )

    return sent


async def refused(send, operations, content, status, *, kind=JSON):
    wrong = []
    for operation in operations:
        body = content or json.dumps(operation.example()).encode()
        answer = await send(operation, body, kind)
        said = complaint(answer, where=("/body", "/header/content-type"))
        if said or answer.status_code != status:
            wrong.append((operation.id, answer.status_code, said))
    assert wrong == []


@pytest.mark.parametrize("case", NOT_AN_OBJECT)
async def test_a_body_that_is_no_object_is_not_valid(send, with_body, case):
    some = part_for(with_body, case, NOT_AN_OBJECT)
    await refused(send, some, NOT_AN_OBJECT[case], 422)


@pytest.mark.parametrize("case", MALFORMED)
async def test_a_body_that_is_no_json_is_malformed(send, with_body, case):
    some = part_for(with_body, case, MALFORMED)
    await refused(send, some, MALFORMED[case], 400)


@pytest.mark.parametrize("case", OTHER_TYPES)
async def test_another_content_type_is_refused(send, with_body, case):
    some = part_for(with_body, case, OTHER_TYPES)
    await refused(send, some, None, 415, kind=OTHER_TYPES[case])


async def test_json_in_another_dress_is_taken(send, with_body):
    operation = next(o for o in with_body if o.id == "me_update")
    for kind in (
        "application/json; charset=utf-8",
        "application/merge-patch+json",
        "APPLICATION/JSON",
    ):
        answer = await send(operation, b'{"name": "Ada"}', kind)
        assert answer.status_code == 200, kind


async def test_an_empty_body_is_refused_where_one_is_needed(send, with_body):
    cookie = {"sessions_refresh", "sessions_delete"}  # a browser's stands for it
    wrong, needing = [], 0
    for operation in with_body:
        needing += operation.needs_body
        for content in (b"", b"null"):
            answer = await send(operation, content)
            said = complaint(answer)
            if operation.needs_body and answer.status_code != 422:
                said = said or "not refused"
            if operation.id in cookie and answer.status_code != 401:
                said = said or "no cookie, and not refused"
            if said:
                wrong.append((operation.id, content, answer.status_code, said))
    assert wrong == []
    assert needing > len(with_body) - 15


async def test_a_body_that_says_it_is_too_large_is_not_read(address, with_body, caller, settings):
    wrong = []
    for operation in with_body:
        headers = [
            *as_pairs(caller.headers),
            (b"Content-Type", b"application/json"),
            (b"Content-Length", str(settings.max_body_bytes + 1).encode()),
        ]
        target = operation.address(caller.ids).encode()
        answer = await exchange(address, operation.method, target, headers, b'{"name": "')
        if complaint(answer) or answer.status_code != 413:
            wrong.append((operation.id, answer.status_code, complaint(answer)))
    assert wrong == []


@pytest.mark.parametrize("operation_id", ["conversations_create", "users_register", "chat_create"])
async def test_a_body_that_grows_too_large_is_refused(send, with_body, settings, operation_id):
    async def endless():
        yield b'{"title": "'
        for _ in range(settings.max_body_bytes // 2**20 + 2):
            yield b"x" * 2**20

    operation = next(o for o in with_body if o.id == operation_id)
    answer = await send(operation, endless())
    assert complaint(answer) == ""
    assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")


async def test_a_body_of_the_greatest_length_is_read(send, with_body, settings):
    operation = next(o for o in with_body if o.id == "me_update")
    padding = b" " * (settings.max_body_bytes - len(b'{"name": "Ada"}'))
    answer = await send(operation, b'{"name": "Ada"}' + padding)
    assert answer.status_code == 200


@pytest.mark.parametrize("length", [b"-1", b"abc", b"1e3", b"10, 20", b"9" * 40])
async def test_a_content_length_that_is_none_is_refused(address, caller, length):
    headers = [
        *as_pairs(caller.headers),
        (b"Content-Type", b"application/json"),
        (b"Content-Length", length),
    ]
    answer = await exchange(address, "POST", b"/v1/conversations", headers, b"{}")
    assert 400 <= answer.status_code < 500
