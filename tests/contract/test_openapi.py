"""The OpenAPI document keeps the contract's rules, on every route."""

import re
from collections import Counter

import pytest

from app.core.http.docs_page import error_kinds
from app.main import create_app


@pytest.fixture(scope="module")
def document(settings):
    return create_app(settings).openapi()


@pytest.fixture(scope="module")
def operations(document):
    return [
        (method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def references(node):
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for child in node.values():
            yield from references(child)
    elif isinstance(node, list):
        for child in node:
            yield from references(child)


def schemas(node):
    if isinstance(node, dict):
        yield node
        for child in node.values():
            yield from schemas(child)
    elif isinstance(node, list):
        for child in node:
            yield from schemas(child)


def test_it_is_openapi_3_1(document):
    assert document["openapi"] == "3.1.0"


def test_operation_ids_are_unique_and_say_resource_and_verb(operations):
    ids = [operation["operationId"] for _, _, operation in operations]
    assert [name for name, count in Counter(ids).items() if count > 1] == []
    assert [name for name in ids if not re.fullmatch(r"[a-z]+(_[a-z]+)+", name)] == []


def test_every_operation_has_a_summary_and_one_tag(operations):
    assert [
        operation["operationId"]
        for _, _, operation in operations
        if not operation.get("summary") or len(operation.get("tags", [])) != 1
    ] == []


def test_every_error_is_a_problem_document(operations):
    wrong = []
    for method, path, operation in operations:
        for status, response in operation["responses"].items():
            if status[0] not in "45" or path.startswith("/health"):
                continue
            schema = response.get("content", {}).get("application/problem+json", {}).get("schema")
            if schema != {"$ref": "#/components/schemas/Problem"}:
                wrong.append((method, path, status))
    assert wrong == []


def test_every_guarded_operation_says_401_and_403(operations):
    assert [
        operation["operationId"]
        for _, _, operation in operations
        if operation.get("security") and not {"401", "403"} <= operation["responses"].keys()
    ] == []


def test_every_operation_with_input_says_422(operations):
    assert [
        operation["operationId"]
        for _, _, operation in operations
        if (operation.get("parameters") or operation.get("requestBody"))
        and "422" not in operation["responses"]
    ] == []


def test_every_reference_resolves(document):
    names = set(document["components"]["schemas"])
    missing = {ref.rpartition("/")[2] for ref in references(document)} - names
    assert missing - {"HTTPBearer"} == set()


def test_no_request_or_answer_has_an_anonymous_schema(operations):
    anonymous = []
    for _, _, operation in operations:
        bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
        for body in bodies:
            for media in body.get("content", {}).values():
                schema = media.get("schema", {})
                named = schema.get("items", schema) if schema.get("type") == "array" else schema
                if schema and "$ref" not in named:
                    anonymous.append((operation["operationId"], schema))
    assert anonymous == []


def unions(node):
    if isinstance(node, dict):
        if all("$ref" in option for option in node.get("oneOf", [{}])):
            yield node
        for child in node.values():
            yield from unions(child)
    elif isinstance(node, list):
        for child in node:
            yield from unions(child)


def test_every_union_of_objects_has_a_discriminator(document):
    found = list(unions(document["components"]["schemas"]))
    assert found
    assert [union for union in found if "discriminator" not in union] == []


def test_streams_are_typed_by_the_run_event_union(document):
    streamed = {
        operation["operationId"]: response["content"]["text/event-stream"]["schema"]
        for methods in document["paths"].values()
        for operation in methods.values()
        for response in operation["responses"].values()
        if "text/event-stream" in response.get("content", {})
    }
    # Those that speak another protocol, whose own clients read them.
    others = {
        "agent_frontends_ag_ui": "AgUiEvent",
        "agent_frontends_ai_sdk": "AiSdkChunk",
        "agent_frontends_reconnect": "AiSdkChunk",
    }
    assert len(streamed) >= 3 + len(others)
    assert streamed == {
        name: {"$ref": f"#/components/schemas/{others.get(name, 'RunEvent')}"} for name in streamed
    }
    assert others.keys() <= streamed.keys()
    assert set(others.values()) <= document["components"]["schemas"].keys()
    union = document["components"]["schemas"]["RunEvent"]
    assert union["discriminator"]["propertyName"] == "type"


async def test_the_document_and_its_pages_are_served_without_another_host(client):
    assert (await client.get("/openapi.json")).status_code == 200
    page = (await client.get("/docs")).text
    links = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(links) >= 3
    for link in links:
        assert link.startswith("/")
        assert (await client.get(link)).status_code == 200


async def test_every_error_type_resolves_to_an_explanation(client):
    page = (await client.get("/docs/errors")).text
    codes = {kind.code for kind in error_kinds()}
    assert len(codes) > 30
    assert [code for code in codes if f"id='{code}'" not in page] == []


def test_numbers_have_their_bounds_in_the_words_of_json_schema(document):
    words = {"ge", "gt", "le", "lt"}
    numbers = [each for each in schemas(document) if each.get("type") in ("integer", "number")]
    assert [each for each in numbers if words & set(each)] == []
    parameters = document["components"]["schemas"]["Parameters"]["properties"]
    [tokens] = [each for each in parameters["max_output_tokens"]["anyOf"] if "type" in each][:1]
    assert tokens["minimum"] == 1


def test_what_a_merge_patch_refuses_as_null_is_not_said_to_take_it(document):
    patch = document["components"]["schemas"]["BudgetUpdate"]["properties"]
    assert patch["hard"]["type"] == "boolean"
    assert {"type": "null"} not in patch["amount"]["anyOf"]
    removable = document["components"]["schemas"]["MemberUpdate"]["properties"]["role_id"]
    assert {"type": "null"} in removable["anyOf"]


def test_every_schema_has_a_title_of_its_own(document):
    titles = Counter(each.get("title") for each in document["components"]["schemas"].values())
    assert [title for title, count in titles.items() if title and count > 1] == []


def test_no_schema_is_called_after_a_module(document):
    # FastAPI does that with two of one name, and SDKs have classes called after it.
    assert [name for name in document["components"]["schemas"] if "app__" in name] == []
    assert [name for name in document["components"]["schemas"] if name.endswith("__1")] == []
