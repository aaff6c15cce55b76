"""OpenAPI documents as tools: what an operation becomes, and what is left out of it and why."""

from uuid import uuid4

import orjson
import pytest

from app.agents.tools.tool import ToolContext, Wanted
from tests.agents.custom_tools.test_custom_tools import TOKEN, access_of, echo, keep
from tests.agents.web.conftest import Answer, Site, json_answer

PATH = "/v1/tools/import/openapi"
YAML = """
openapi: 3.0.3
info: {title: Shop, version: "1"}
servers:
  - url: https://{region}.shop.example.com/v1
    variables: {region: {default: eu}}
security: [{key: []}]
paths:
  /orders/{order-id}:
    parameters:
      - {name: order-id, in: path, required: true, schema: {type: string}}
      - {$ref: '#/components/parameters/Trace'}
    get:
      operationId: findOrder
      summary: Find an order.
      tags: [orders]
      parameters:
        - {name: fields, in: query, explode: false, schema: {type: array, items: {type: string}}}
        - {name: session, in: cookie, schema: {type: string}}
        - {name: filter, in: query, style: deepObject, schema: {type: object}}
      responses: {200: {description: ok}}
    put:
      operationId: changeOrder
      tags: [orders]
      requestBody:
        required: true
        content:
          application/json: {schema: {$ref: '#/components/schemas/Order'}}
      responses: {}
    delete:
      operationId: needsCookie
      parameters: [{name: s, in: cookie, required: true, schema: {type: string}}]
      responses: {}
    options: {operationId: asksWhat, responses: {}}
  /open:
    get: {security: [], responses: {}}
  /both:
    get: {operationId: twoKeys, security: [{key: [], other: []}], responses: {}}
  /upload:
    post:
      operationId: upload
      requestBody: {required: true, content: {multipart/form-data: {schema: {type: object}}}}
      responses: {}
  /list:
    post:
      operationId: addAll
      requestBody:
        required: true
        content:
          application/json:
            schema: {type: array, items: {$ref: '#/components/schemas/Order'}}
      responses: {}
  /broken:
    get:
      operationId: broken
      parameters: [{$ref: 'https://evil.example/x.yaml#/a'}]
      responses: {}
components:
  securitySchemes:
    key: {type: apiKey, in: header, name: X-Api-Key}
    other: {type: http, scheme: bearer}
  parameters:
    Trace: {name: X-Trace, in: header, schema: {type: string, pattern: '^[a-z'}}
  schemas:
    Order:
      type: object
      required: [id, amount]
      properties:
        id: {type: integer, readOnly: true}
        order-id: {type: string}
        amount: {type: number, minimum: 0, exclusiveMinimum: true}
        note: {type: string, nullable: true}
        parts: {type: array, items: {$ref: '#/components/schemas/Order'}}
"""


async def imported(talker, status=200, dry_run=False, **body):
    path = f"{PATH}?dry_run=true" if dry_run else PATH
    answer = await talker.call("POST", path, json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


def by_operation(said):
    return {each["operation"]: each for each in said["data"]}


async def tool_named(talker, slug):
    found = (await talker.call("GET", "/v1/tools/custom")).json()["data"]
    return {each["slug"]: each for each in found}[slug]


async def test_each_operation_says_what_became_of_it(talker):
    said = await imported(talker, document=YAML, credentials={"key": "shop"})
    assert (said["title"], said["openapi"], said["schemes"]) == ("Shop", "3.0.3", ["key"])
    each = by_operation(said)
    outcomes = {name: told["outcome"] for name, told in each.items()}
    assert outcomes == {
        "findOrder": "created",
        "changeOrder": "created",
        "needsCookie": "left_out",
        "asksWhat": "left_out",
        "get /open": "created",
        "twoKeys": "left_out",
        "upload": "left_out",
        "addAll": "created",
        "broken": "left_out",
    }
    assert each["findOrder"]["reasons"] == [
        "its cookie `session` is left out",
        "`filter`, written as deepObject, is left out",
        "patterns that are not understood here were left out",
    ]
    assert "is needed and cannot be sent" in each["needsCookie"]["reasons"][0]
    assert "another document" in each["broken"]["reasons"][0]
    assert "multipart/form-data" in each["upload"]["reasons"][0]
    assert "key and other" in each["twoKeys"]["reasons"][0]


async def test_an_operation_is_one_schema_with_its_places(talker):
    await imported(talker, document=YAML, credentials={"key": "shop"}, prefix="s")
    find = await tool_named(talker, "s-find-order")
    assert find["request"]["url"] == "https://eu.shop.example.com/v1/orders/{order-id}"
    assert find["request"]["credential"] == {"name": "shop", "in": "header", "field": "X-Api-Key"}
    assert set(find["parameters"]["properties"]) == {"order-id", "X-Trace", "fields"}
    assert find["parameters"]["required"] == ["order-id"]
    assert find["request"]["places"]["fields"]["explode"] is False
    assert (find["policy"]["effects"], find["policy"]["approval"]) == ("read", "never")
    change = await tool_named(talker, "s-change-order")
    assert (change["policy"]["effects"], change["policy"]["approval"]) == ("external", "always")
    fields = change["parameters"]["properties"]
    assert set(fields) == {"order-id", "X-Trace", "order-id_body", "amount", "note", "parts"}
    assert fields["amount"] == {"type": "number", "exclusiveMinimum": 0}
    assert fields["note"]["type"] == ["string", "null"]
    assert fields["parts"]["items"] == {"description": "The same again; left open here."}
    assert change["parameters"]["required"] == ["order-id", "amount"]
    assert change["request"]["places"]["order-id_body"]["name"] == "order-id"
    every = await tool_named(talker, "s-add-all")
    assert every["request"]["places"]["body"]["in"] == "content"


async def test_an_imported_tool_calls_its_service(app, talker):
    site = Site()
    site.pages["/api/orders/A 1".replace(" ", "%20")] = echo
    document = {
        "openapi": "3.1.0",
        "info": {"title": "Shop"},
        "servers": [{"url": "/api"}],
        "paths": {
            "/orders/{id}": {
                "post": {
                    "operationId": "orders.change",
                    "security": [{"login": []}],
                    "parameters": [
                        {
                            "name": "id",
                            "in": "path",
                            "required": True,
                            "schema": {"type": "string"},
                        },
                        {"name": "dry", "in": "query", "schema": {"type": "boolean"}},
                    ],
                    "requestBody": {
                        "content": {
                            "application/merge-patch+json; v=1": {
                                "schema": {"properties": {"id": {"type": ["string", "null"]}}}
                            }
                        }
                    },
                }
            }
        },
        "components": {"securitySchemes": {"login": {"type": "oauth2", "flows": {}}}},
    }
    site.pages["/openapi.json"] = json_answer(document)
    async with site:
        await keep(talker, site.place)
        said = await imported(talker, url=f"{site.url}/openapi.json", credentials={"login": "crm"})
        assert [each["outcome"] for each in said["data"]] == ["created"]
        access = access_of(talker)
        wanted = Wanted("custom:orders-change")
        (tool,) = await app.state.agents.tools.open(access, wanted)
        ctx = ToolContext(access, uuid4(), "c", key="k")
        await tool.call(ctx, {"id": "A 1", "dry": True, "id_body": None})
    asked = site.asked[-1]
    assert (asked.query, orjson.loads(asked.body)) == ({"dry": "true"}, {"id": None})
    assert asked.headers["authorization"] == f"Bearer {TOKEN}"


async def test_a_dry_run_keeps_nothing_and_a_second_import_skips_or_replaces(talker):
    said = await imported(talker, dry_run=True, document=YAML)
    assert by_operation(said)["findOrder"]["outcome"] == "created"
    assert (await talker.call("GET", "/v1/tools/custom")).json()["data"] == []
    first = await imported(talker, document=YAML, operations=["findOrder"])
    reasons = by_operation(first)["findOrder"]["reasons"]
    assert "it needs a credential for `key`, and was given none" in reasons
    again = await imported(talker, document=YAML, operations=["findOrder"])
    assert by_operation(again)["findOrder"]["outcome"] == "skipped"
    renewed = await imported(
        talker, document=YAML, tags=["orders"], on_conflict="replace", credentials={"key": "shop"}
    )
    told = by_operation(renewed)
    assert {name: each["outcome"] for name, each in told.items()} == {
        "findOrder": "replaced",
        "changeOrder": "created",
    }
    assert told["findOrder"]["tool_id"] == first["data"][0]["tool_id"]
    assert (await tool_named(talker, "find-order"))["request"]["credential"]["name"] == "shop"


async def test_a_service_within_is_left_out(talker):
    document = YAML.replace("https://{region}.shop.example.com/v1", "https://10.0.0.1/{region}")
    said = await imported(talker, document=document, operations=["findOrder"])
    (told,) = said["data"]
    assert (told["outcome"], "public internet" in told["reasons"][0]) == ("left_out", True)
    said = await imported(
        talker, document=document, operations=["findOrder"], server="https://a.example.com"
    )
    assert said["data"][0]["outcome"] == "created"


def nested(depth):
    schemas = {
        f"S{n}": {
            "type": "object",
            "properties": {k: {"$ref": f"#/components/schemas/S{n + 1}"} for k in "abcd"},
        }
        for n in range(depth)
    }
    body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/S0"}}}}
    paths = {"/x": {"post": {"operationId": "bomb", "requestBody": body}}}
    return orjson.dumps(
        {
            "openapi": "3.1.0",
            "servers": [{"url": "https://a.example.com"}],
            "paths": paths,
            "components": {"schemas": {**schemas, f"S{depth}": {}}},
        }
    ).decode()


async def test_references_that_multiply_are_cut_short(talker):
    said = await imported(talker, document=nested(14))
    assert said["data"][0]["outcome"] == "left_out"
    assert said["data"][0]["reasons"] == ["its schema is too large"]


@pytest.mark.parametrize(
    "document",
    [
        "{]",
        "- a\n- b",
        "swagger: '2.0'\npaths: {}",
        "openapi: 3.1.0",
        "openapi: 3.1.0\npaths: 7",
        "a: &a [x]\nb: *a\nopenapi: 3.0.0\npaths: {}",
        "openapi: 3.0.0\npaths: {}\nx: " + "[" * 100 + "]" * 100,
        "!!python/object/apply:os.system ['true']",
        "openapi: 3.0.0\x07",
        "openapi: 3.0.0\npaths: {}\nx: [" + "1," * 200_000 + "1]",
        "openapi: 3.0.0\npaths: {}\nx: " + "1" * 1_100_000,
    ],
)
async def test_what_is_no_document_is_refused(talker, document):
    problem = await imported(talker, status=422, document=document)
    assert problem["code"] == "openapi_unreadable"
    assert problem["errors"][0]["pointer"] == "/body/document"


@pytest.mark.parametrize(
    "operation",
    [
        {"parameters": 7},
        {"parameters": [7]},
        {"parameters": [{"name": [], "in": "query", "schema": {"type": {"a": 1}}}]},
        {"parameters": [{"$ref": "#/paths/~1x/get/parameters/0"}]},
        {
            "requestBody": {
                "content": {
                    "application/json": {"schema": {"required": [[]], "properties": {"a": 1}}}
                }
            }
        },
        {"requestBody": {"content": []}},
        {"security": [7, {"nobody": []}]},
        {"summary": 7, "tags": 7, "operationId": 7},
    ],
)
async def test_what_is_written_wrongly_never_breaks_the_import(talker, operation):
    whole = {
        "openapi": "3.1.0",
        "servers": [{"url": "https://a.example.com"}],
        "paths": {"/x": {"get": operation}},
    }
    said = await imported(talker, document=orjson.dumps(whole).decode())
    assert [each["outcome"] in ("created", "left_out") for each in said["data"]] == [True]


WITH_NUL = r"""{"openapi": "3.0.0", "info": {"title": "a\u0000b"}, "paths": {"/x": {"get": {
"operationId": "o\u0000", "description": "d\u0000e", "parameters": [{"name": "p\u0000",
"in": "query", "schema": {"const": "c\u0000"}}]}}}, "servers": [{"url": "https://a.example.com"}]}"""


@pytest.mark.parametrize("document", [WITH_NUL, "# YAML\n" + WITH_NUL])
async def test_what_cannot_be_kept_of_a_text_is_taken_out(talker, document):
    said = await imported(talker, document=document)
    assert [each["outcome"] for each in said["data"]] == ["created"]
    assert set((await tool_named(talker, "o"))["parameters"]["properties"]) == {"p"}


async def test_an_address_that_gives_none_is_told(talker):
    async with Site(x=Answer(b"no", status=404)) as site:
        problem = await imported(talker, status=502, url=f"{site.url}/x")
        assert problem["code"] == "openapi_unreachable"
    for url in ("https://10.0.0.1/openapi.json", "file:///etc/passwd", "https://[::1/a"):
        problem = await imported(talker, status=422, url=url)
        assert problem["errors"][0]["pointer"] == "/body/url"
    for body in ({}, {"url": "https://a.example", "document": "{}"}):
        await imported(talker, status=422, **body)
    unknown = await imported(talker, status=422, document=YAML, operations=["nobody"])
    assert unknown["errors"][0]["pointer"] == "/body/operations"


@pytest.mark.parametrize(
    "document",
    [
        '{"openapi": "3.0.0", "paths": {}, "x": ' + "[" * 900 + "]" * 900 + "}",
        '{"openapi": "3.0.0", "paths": {"/a": {"get": ' + '{"a":' * 900 + "1" + "}" * 902 + "}",
    ],
)
async def test_a_document_nested_without_end_is_refused(talker, document):
    problem = await imported(talker, status=422, document=document)
    assert problem["code"] == "openapi_unreadable"


async def test_a_reference_to_an_endless_position_leads_nowhere(talker):
    scheme = {"$ref": "#/x/" + "1" * 5000}
    document = {
        "openapi": "3.0.0",
        "x": [1],
        "components": {"securitySchemes": {"a": scheme}},
        "paths": {"/a": {"get": {"security": [{"a": []}]}}},
        "servers": [{"url": "https://shop.example.com"}],
    }
    said = await imported(talker, document=orjson.dumps(document).decode())
    assert [each["outcome"] for each in said["data"]] == ["left_out"]
