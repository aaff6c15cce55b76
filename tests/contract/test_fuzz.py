"""Bodies drawn from the schemas of the OpenAPI document and then broken at random."""

import copy
import json
from collections import Counter

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.support.mistakes import complaint
from tests.support.openapi import QUICK
from tests.support.tenants import new_tenant

UUID = "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11"
TEXTS = {
    "uuid": st.sampled_from([UUID, UUID.replace("-", ""), "{" + UUID + "}", UUID[:-1]]),
    "date-time": st.datetimes().map(lambda moment: f"{moment.isoformat()}Z"),
    "uri": st.sampled_from(["https://models.invalid/v1", "http://10.0.0.1", "ftp://x", "x:"]),
    "email": st.sampled_from(["a@example.com", "a@b", "@", "a@xn--\u00e9.example"]),
}
# Surrogates and all; json.dumps writes them as escapes, and NaN and Infinity as bare words.
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=30)
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT
    | st.sampled_from([10**30, -(10**30), 2**31, 2**63, 1e308, "", " ", "\x00", "x" * 2000, UUID])
)  # fmt: skip
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=8,
)


def drawn_from(schema):
    """Values that a schema takes, or nearly so."""
    if "const" in schema or "enum" in schema:
        return st.sampled_from(schema.get("enum") or [schema["const"]])
    if options := schema.get("anyOf") or schema.get("oneOf"):
        return st.one_of([drawn_from(option) for option in options])
    if schema.get("type") == "object":
        if "properties" not in schema:
            return st.dictionaries(ANY_TEXT, ANYTHING, max_size=4)
        needed = set(schema.get("required", []))
        fields = {name: drawn_from(part) for name, part in schema["properties"].items()}
        return st.fixed_dictionaries(
            {name: value for name, value in fields.items() if name in needed},
            optional={name: value for name, value in fields.items() if name not in needed},
        )
    if schema.get("type") == "array":
        most = min(schema.get("maxItems", 3), 3)
        return st.lists(
            drawn_from(schema["items"]), min_size=schema.get("minItems", 0), max_size=most
        )
    return simple(schema)


def simple(schema):
    kind = schema.get("type")
    if kind == "string":
        shortest = schema.get("minLength", 0)
        longest = max(shortest, min(schema.get("maxLength", 50), 50))
        plain = st.text(min_size=shortest, max_size=longest)
        return TEXTS.get(schema.get("format", ""), plain)
    if kind in ("integer", "number"):
        return st.integers(0, 5) if kind == "integer" else st.floats(0, 2)
    return {"boolean": st.booleans(), "null": st.none()}.get(kind, ANYTHING)


def places(node, *way):
    yield way
    items = (
        node.items()
        if isinstance(node, dict)
        else enumerate(node)
        if isinstance(node, list)
        else ()
    )
    for step, child in items:
        yield from places(child, *way, step)


def broken(draw, body):
    """The body with one to three of its values replaced, taken away or added to."""
    body = copy.deepcopy(body)
    for _ in range(draw(st.integers(1, 3))):
        *way, last = ("body", *draw(st.sampled_from(list(places(body)))))
        holder = {"body": body}
        node = holder
        for step in way:
            node = node[step]
        if draw(st.booleans()) or not way:
            node[last] = draw(ANYTHING)
        elif isinstance(node[last], dict):
            node[last][draw(ANY_TEXT)] = draw(LEAVES)
        elif isinstance(node[last], list):
            node[last].append(draw(ANYTHING))
        else:
            del node[last]
        body = holder["body"]
    return body


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def tenants(http):
    """One for the integrations that come of it, one for all else, whose chats stay the demo's."""
    return await new_tenant(http), await new_tenant(http)


def examples(operations, draw_one, count):
    """The same `count` drawings every time, made before anything is sent."""
    drawn = []

    @given(st.data())
    @settings(
        max_examples=count, derandomize=True, deadline=None, database=None,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    def collect(data):
        operation = data.draw(st.sampled_from(operations))
        drawn.append((operation, draw_one(data.draw, operation)))

    collect()
    assert len(drawn) >= count
    return drawn


def a_body(draw, operation):
    body = draw(drawn_from(operation.body))
    if "model" in operation.body["properties"]:
        body["model"] = QUICK  # quick; any other name is for the mutation to find
    if draw(st.integers(0, 4)):
        body = broken(draw, body)
    return json.dumps(body).encode()


def some_bytes(draw, operation):
    whole = bytearray(json.dumps(operation.example()).encode())
    at = draw(st.integers(0, len(whole) - 1))
    whole[at : at + draw(st.integers(0, 3))] = draw(st.binary(max_size=4))
    return bytes(whole)


@pytest.mark.parametrize(("draw_one", "count", "taken"), [(a_body, 300, 3), (some_bytes, 100, 0)])
async def test_no_body_breaks_the_service(http, operations, tenants, draw_one, count, taken):
    wrong, statuses = [], Counter()
    for operation, body in examples([o for o in operations if o.body], draw_one, count):
        tenant = tenants[not operation.path.startswith("/v1/integrations")]
        answer = await http.request(
            operation.method,
            operation.address(tenant.ids),
            content=body,
            headers={"content-type": "application/json", **tenant.headers},
        )
        statuses[answer.status_code // 100] += 1
        if said := complaint(answer):
            # A guardrail that was drawn before may ask a judge that nobody can reach.
            if "#guardrail_unavailable" in said:
                continue
            wrong.append((operation.id, body[:500], said))
    assert wrong == []
    assert statuses[2] >= taken
    assert statuses[4] > count / 4
