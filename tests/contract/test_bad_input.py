"""Every property of every JSON body of the OpenAPI document, with a value it should not have."""

import json

import pytest

from tests.support.mistakes import BY_TYPE, STRANGE, UNREADABLE, complaint, with_raw
from tests.support.openapi import json_types, longest
from tests.support.sampling import part_for, part_of

JSON = {"content-type": "application/json"}


@pytest.fixture
def with_body(operations):
    found = [operation for operation in operations if operation.body]
    assert len(found) >= 15
    return found


@pytest.fixture
def send(http, caller):
    async def sent(operation, content, **headers):
        return await http.request(
            operation.method,
            operation.address(caller.ids),
            content=content,
            headers={**(caller.headers if operation.guarded else {}), **JSON, **headers},
        )

    return sent


def properties(operations):
    for operation in operations:
        for name, schema in operation.body["properties"].items():
            yield operation, name, schema


@pytest.mark.parametrize("case", UNREADABLE)
async def test_a_value_that_is_not_json_is_malformed(send, with_body, case):
    wrong = []
    for operation, name, _ in part_for(properties(with_body), case, UNREADABLE):
        answer = await send(operation, with_raw(operation.example(), name, UNREADABLE[case]))
        said = complaint(answer, where=("/body",))
        if said or (answer.status_code, answer.json()["code"]) != (400, "malformed_json"):
            wrong.append((operation.id, name, said or answer.text[:200]))
    assert wrong == []


@pytest.mark.parametrize("case", ["NUL character", "100 levels of lists"])
async def test_what_is_read_and_not_taken_is_pointed_at(send, with_body, case):
    wrong = []
    for operation, name, _ in properties(with_body):
        answer = await send(operation, with_raw(operation.example(), name, UNREADABLE[case]))
        if said := complaint(answer, where=(f"/body/{name}",)):
            wrong.append((operation.id, name, said))
    assert wrong == []


@pytest.mark.parametrize("case", STRANGE)
async def test_a_strange_value_is_taken_or_refused_and_never_breaks_anything(send, with_body, case):
    wrong = []
    for operation, name, _ in part_for(properties(with_body), case, STRANGE):
        answer = await send(operation, with_raw(operation.example(), name, STRANGE[case]))
        where = ("/body",) if answer.status_code == 422 else ()
        if said := complaint(answer, where=where):
            wrong.append((operation.id, name, said))
    assert wrong == []


@pytest.mark.parametrize("kind", BY_TYPE)
async def test_a_value_of_another_type_is_refused_with_a_pointer_to_it(send, with_body, kind):
    asked, wrong = 0, []
    for operation, name, schema in part_for(properties(with_body), kind, BY_TYPE, 4):
        taken = json_types(schema)
        also = {"integer": {"number"}, "boolean": {"number"}}  # 1.0 and 0 may stand for them
        if kind in taken | set().union(*(also.get(each, set()) for each in taken)):
            continue
        asked += 1
        answer = await send(operation, with_raw(operation.example(), name, BY_TYPE[kind]))
        if said := complaint(answer, where=(f"/body/{name}",)) or answer.status_code != 422:
            wrong.append((operation.id, name, said, answer.text[:200]))
    assert wrong == []
    assert asked >= 8


async def test_a_text_one_character_too_long_is_refused_with_a_pointer_to_it(send, with_body):
    asked, wrong = 0, []
    for operation, name, schema in properties(with_body):
        bound = longest(schema)
        if bound is None:
            continue
        asked += 1
        raw = json.dumps("x" * (bound + 1)).encode()
        answer = await send(operation, with_raw(operation.example(), name, raw))
        if said := complaint(answer, where=(f"/body/{name}",)) or answer.status_code != 422:
            wrong.append((operation.id, name, said))
    assert wrong == []
    assert asked >= 15


async def test_every_text_has_a_bound(with_body):
    """Megabytes in a field that has no maxLength would be taken in."""

    def unbounded(schema):
        if schema.get("type") == "string":
            closed = schema.keys() & {"maxLength", "enum", "const", "pattern"}
            return not closed and schema.get("format") not in ("uuid", "date-time")
        return any(unbounded(option) for option in schema.get("anyOf", []))

    assert [(o.id, name) for o, name, schema in properties(with_body) if unbounded(schema)] == []


async def test_a_missing_property_is_named(send, with_body):
    asked, wrong = 0, []
    for operation in with_body:
        for name in operation.body.get("required", []):
            asked += 1
            rest = {key: value for key, value in operation.example().items() if key != name}
            answer = await send(operation, json.dumps(rest))
            if said := complaint(answer, where=(f"/body/{name}",)) or answer.status_code != 422:
                wrong.append((operation.id, name, said))
    assert wrong == []
    assert asked >= 10


@pytest.mark.parametrize(
    "name", ["unknown", "", "a/b~c", "__class__", "self", "x" * 10_000, "\U0001f4a9"]
)
async def test_an_unknown_property_is_refused_with_a_pointer_to_it(send, with_body, name):
    wrong = []
    pointer = "/body/" + name.replace("~", "~0").replace("/", "~1")
    for operation in with_body:
        answer = await send(operation, json.dumps(operation.example() | {name: 1}))
        if said := complaint(answer, where=(pointer,)) or answer.status_code != 422:
            wrong.append((operation.id, said))
    assert wrong == []


async def test_of_a_doubled_property_the_last_one_counts(send, with_body):
    """And a bad last one is refused as it would be alone."""
    wrong = []
    for operation, name, _ in part_of(properties(with_body), 0, 3):
        body = with_raw(operation.example(), name, b'{"x": []}')
        doubled = b"{" + json.dumps(name).encode() + b': "x", ' + body[1:]
        alone = await send(operation, body)
        if alone.is_success:  # what it made is there by now, and may not be made again
            alone = await send(operation, body)
        both = await send(operation, doubled)
        said = complaint(both)
        if said or (alone.status_code, pointers(alone)) != (both.status_code, pointers(both)):
            wrong.append((operation.id, name, said or both.text[:200]))
    assert wrong == []


def pointers(answer):
    if answer.is_success or not answer.content:  # it may be a stream
        return []
    return [e["pointer"] for e in answer.json().get("errors", [])]
