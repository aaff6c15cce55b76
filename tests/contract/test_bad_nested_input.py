"""Mistakes inside of lists, unions and objects are pointed at where they are."""

import pytest

from tests.support.mistakes import complaint

IMAGE = {"type": "image", "media_type": "image/png"}
LONG = "x" * 1_000_001
# The body of POST /v1/chat, less what every one has, and where its mistake is.
CHATS = {
    "no message": ({"messages": []}, "/body/messages"),
    "1,001 messages": ({"messages": [{"role": "user", "content": "x"}] * 1001}, "/body/messages"),
    "a text for a message": ({"messages": ["x"]}, "/body/messages/0"),
    "no role": ({"messages": [{"content": "x"}]}, "/body/messages/0/role"),
    "another role": ({"messages": [{"role": "tool", "content": "x"}]}, "/body/messages/0/role"),
    "the last is not the user's": ({"messages": [{"role": "system", "content": "x"}]}, "/body"),
    "a surplus property": (
        {"messages": [{"role": "user", "content": "x", "name": "y"}]},
        "/body/messages/0/name",
    ),
    "temperature": ({"parameters": {"temperature": 2.1}}, "/body/parameters/temperature"),
    "top_p": ({"parameters": {"top_p": 0}}, "/body/parameters/top_p"),
    "max_output_tokens": (
        {"parameters": {"max_output_tokens": 10**30}},
        "/body/parameters/max_output_tokens",
    ),
    "seed": ({"parameters": {"seed": -1}}, "/body/parameters/seed"),
    "stop": ({"parameters": {"stop": ["x", ""]}}, "/body/parameters/stop/1"),
    "reasoning": ({"parameters": {"reasoning_effort": "x"}}, "/body/parameters/reasoning_effort"),
    "unknown parameter": ({"parameters": {"tempreature": 1}}, "/body/parameters/tempreature"),
    "too much metadata": ({"metadata": {"a": "x" * 20_000}}, "/body/metadata"),
    "too many labels": ({"metadata": {f"{n}": n for n in range(65)}}, "/body/metadata"),
    "an unknown model": ({"model": "nobody/nothing"}, "/body/model"),
    "no model's name": ({"model": ""}, "/body/model"),
}
CONTENTS = {
    "empty": ("", ""),
    "null": (None, ""),
    "a number": (5, ""),
    "an object": ({"type": "text", "text": "x"}, ""),
    "beyond the bound": (LONG, ""),
    "no part": ([], ""),
    "33 parts": ([{"type": "text", "text": "x"}] * 33, ""),
    "a text for a part": (["x"], "/0"),
    "no type": ([{"text": "x"}], "/0"),
    "another type": ([{"type": "audio", "text": "x"}], "/0"),
    "no text": ([{"type": "text"}], "/0/text"),
    "a number for the text": ([{"type": "text", "text": 5}], "/0/text"),
    "a text part beyond the bound": ([{"type": "text", "text": LONG}], "/0/text"),
    "a surplus property": ([{"type": "text", "text": "x", "cache": True}], "/0/cache"),
    "the second part": ([{"type": "text", "text": "x"}, {"type": "text", "text": ""}], "/1/text"),
    "no base64": ([{**IMAGE, "data": "not base64!"}], "/0/data"),
    "base64 with an accent": ([{**IMAGE, "data": "caf\u00e9"}], "/0/data"),
    "base64 cut short": ([{**IMAGE, "data": "aGVsbG8"}], "/0/data"),
    "base64 for URLs": ([{**IMAGE, "data": "_-_-"}], "/0/data"),
    "another media type": ([{**IMAGE, "media_type": "image/svg+xml"}], "/0/media_type"),
    "neither data nor url": ([IMAGE], "/0"),
    "both data and url": ([{**IMAGE, "data": "aGk=", "url": "https://x.example/a.png"}], "/0"),
    "a file": ([{**IMAGE, "url": "file:///etc/passwd"}], "/0/url"),
    "a script": ([{**IMAGE, "url": "javascript:alert(1)"}], "/0/url"),
    "no address": ([{**IMAGE, "url": "not a url"}], "/0/url"),
    "a long address": ([{**IMAGE, "url": "https://x.example/" + "a" * 2000}], "/0/url"),
}  # fmt: skip


def refused(answer, pointer):
    said = complaint(answer, where=(pointer,))
    assert not said, said
    assert answer.status_code == 422
    pointers = [error["pointer"] for error in answer.json()["errors"]]
    assert pointer in pointers
    assert [p for p in pointers if "[" in p or "(" in p] == []


@pytest.mark.parametrize("case", CHATS)
async def test_a_chat_points_to_its_mistake(http, caller, case):
    change, pointer = CHATS[case]
    body = {"messages": [{"role": "user", "content": "Hello"}]} | change
    refused(await http.post("/v1/chat", json=body, headers=caller.headers), pointer)


@pytest.mark.parametrize("case", CONTENTS)
async def test_content_points_to_its_mistake(http, caller, case):
    content, within = CONTENTS[case]
    body = {"messages": [{"role": "user", "content": "x"}, {"role": "user", "content": content}]}
    answer = await http.post("/v1/chat", json=body, headers=caller.headers)
    refused(answer, "/body/messages/1/content" + within)
    path = f"/v1/conversations/{caller.ids['conversation_id']}/turns"
    answer = await http.post(path, json={"content": content}, headers=caller.headers)
    refused(answer, "/body" if content is None else "/body/content" + within)


@pytest.mark.parametrize(
    ("item", "pointer"),
    [
        ({"action": "delete"}, "/body/items/1/id"),
        ({"action": "erase", "id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11"}, "/body/items/1/action"),
        ({"action": "delete", "id": "not a UUID"}, "/body/items/1/id"),
        ({"action": "delete", "id": 10**30}, "/body/items/1/id"),
        (None, "/body/items/1"),
    ],
)
async def test_a_bulk_request_points_to_the_item(http, caller, item, pointer):
    good = {"action": "delete", "id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11"}
    body = {"items": [good, item]}
    refused(await http.post("/v1/conversations/bulk", json=body, headers=caller.headers), pointer)


async def test_more_than_500_items_are_refused(http, caller):
    good = {"action": "delete", "id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11"}
    answer = await http.post(
        "/v1/conversations/bulk", json={"items": [good] * 501}, headers=caller.headers
    )
    refused(answer, "/body/items")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"kind": "openai"}, "/body/api_key"),
        ({"kind": "openai", "api_key": "  "}, "/body/api_key"),
        ({"kind": "openai", "api_key": "sk-caf\u00e9"}, "/body/api_key"),
        ({"kind": "openai", "api_key": "sk-x\r\nX-Injected: 1"}, "/body/api_key"),
        ({"kind": "openai_compatible"}, "/body/base_url"),
        ({"kind": "openai_compatible", "base_url": "ftp://x.example"}, "/body/base_url"),
        ({"kind": "openai_compatible", "base_url": "https://u:p@x.example"}, "/body/base_url"),
        ({"kind": "openai_compatible", "base_url": "https://x.example/?a=b"}, "/body/base_url"),
        ({"kind": "openai_compatible", "base_url": "https://x:99999"}, "/body/base_url"),
        ({"kind": "demo", "slug": "a/b"}, "/body/slug"),
        ({"kind": "nobody"}, "/body/kind"),
    ],
)
async def test_an_integration_points_to_its_mistake(http, caller, body, pointer):
    refused(await http.post("/v1/integrations", json=body, headers=caller.headers), pointer)
