"""Bodies are read strictly, and a refusal says where the fault is."""

import copy
import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.http.json_route import StrictJsonRequest, UnfitJson
from app.core.json_limits import MAX_DEPTH

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=10)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | TEXT,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXT, inner, max_size=5),
    max_leaves=20,
)


async def read(body: bytes):
    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    return await StrictJsonRequest({"type": "http", "headers": []}, receive).json()


def nested(depth, kind="list"):
    value = 1
    for _ in range(depth - 1):
        value = [value] if kind == "list" else {"a": value}
    return value


@given(VALUES)
async def test_json_is_read_as_it_was_written(value):
    assert await read(json.dumps(value).encode()) == value
    assert await read(orjson.dumps(value)) == value


@given(VALUES, st.lists(st.sampled_from(["list", "object"]), max_size=6))
async def test_nul_is_found_where_it_stands(value, way):
    body, place = "a\x00b", []
    for kind in way:
        body = [value, body] if kind == "list" else {"x": value, "y": body}
        place.insert(0, 1 if kind == "list" else "y")
    with pytest.raises(UnfitJson, match="NUL") as refused:
        await read(json.dumps(body).encode())
    assert list(refused.value.place) == place


async def test_nul_in_a_key_is_at_its_object():
    with pytest.raises(UnfitJson) as refused:
        await read(b'{"a": [{"b\\u0000c": 1}]}')
    assert refused.value.place == ("a", 0)
    assert [e.pointer for e in refused.value.told().errors] == ["/body/a/0"]


async def test_an_escaped_backslash_before_u0000_is_no_nul():
    assert await read(b'{"a": "\\\\u0000"}') == {"a": "\\u0000"}


@pytest.mark.parametrize("kind", ["list", "object"])
async def test_the_depth_has_a_bound(kind):
    deepest = nested(MAX_DEPTH, kind)
    assert await read(json.dumps(deepest).encode()) == deepest
    body = {"good": copy.deepcopy(deepest["a"] if kind == "object" else deepest[0])}
    body["bad"] = nested(MAX_DEPTH, kind)
    with pytest.raises(UnfitJson, match="deeper") as refused:
        await read(json.dumps(body).encode())
    assert refused.value.place == ("bad",)


async def test_many_brackets_side_by_side_are_not_deep():
    wide = [[] for _ in range(10_000)]
    assert await read(json.dumps(wide).encode()) == wide


@pytest.mark.parametrize(
    "body", [b"", b"{", b"NaN", b'"\\ud800"', b"\xff", b'{"a": 1,}', b"[" * 100_000, b"1e400"]
)
async def test_what_is_no_json_is_a_decode_error(body):
    with pytest.raises(json.JSONDecodeError):
        await read(body)
