"""Chats that are odd: each is answered or told what is wrong, and the conversation stays usable."""

import asyncio
import base64

import pytest

from tests.support.identity import bearer, new_key
from tests.support.mistakes import complaint
from tests.support.openapi import QUICK

UNKNOWN = [
    "nobody/nothing",
    "nothing",
    "/",
    "//",
    "demo/",
    "\U0001f4a9",
    "../../etc/passwd",
    "x" * 200,
]
REFUSED_BY_THE_PROVIDER = [
    "demo/chat?tokens=abc", "demo/chat?tokens=999999999999", "demo/chat?delay_ms=-1",
    "demo/chat?nothing=1", "demo/no-such-model", "demo//chat", "demo/\U0001f4a9", "demo/chat\r\n",
    "demo/chat%00", "demo/ chat", "demo/chat?tokens=\u0663",
]  # fmt: skip
PIXEL = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"\x00" * 32).decode()


@pytest.fixture
def ask(http, caller):
    async def asked(content="Hello", **more):
        body = {"messages": [{"role": "user", "content": content}], "model": QUICK, **more}
        return await http.post("/v1/chat", json=body, headers=caller.headers)

    return asked


@pytest.mark.parametrize("model", UNKNOWN)
async def test_a_model_that_nobody_offers_is_refused_before_anything_begins(
    http, caller, ask, model
):
    before = await newest_run(http, caller)
    path = f"/v1/conversations/{caller.ids['conversation_id']}/turns"
    turn = {"content": "Hello", "model": model}
    for answer in (
        await ask(model=model),
        await ask(model=model, stream=True),
        await http.post(path, json=turn, headers=caller.headers),
    ):
        assert complaint(answer, where=("/body/model",)) == ""
        assert (answer.status_code, answer.json()["code"]) == (422, "model_unknown")
    assert await newest_run(http, caller) == before


async def newest_run(http, caller):
    query = {"limit": 1, "kind": "chat_turn"}
    return (await http.get("/v1/runs", params=query, headers=caller.headers)).json()["data"]


@pytest.mark.parametrize("model", REFUSED_BY_THE_PROVIDER)
async def test_what_the_provider_refuses_is_told_and_the_conversation_goes_on(http, caller, model):
    made = await http.post("/v1/conversations", json={}, headers=caller.headers)
    path = f"/v1/conversations/{made.json()['id']}/turns"
    turn = {"content": "Hello", "model": model}
    answer = await http.post(path, json=turn, headers=caller.headers)
    assert 400 <= answer.status_code < 500, answer.text
    assert complaint(answer) == ""
    streamed = await http.post(path, json={**turn, "stream": True}, headers=caller.headers)
    assert streamed.status_code == 200
    assert streamed.text.count("event: run.failed\n") == 1
    assert f'"status":{answer.status_code}' in streamed.text.rpartition("event: run.failed")[2]
    after = await http.post(path, json={**turn, "model": QUICK}, headers=caller.headers)
    assert after.status_code == 200, after.text


async def test_the_longest_text_is_answered_and_one_character_more_is_not(ask):
    assert (await ask("x" * 1_000_000)).status_code == 200
    refused = await ask("x" * 1_000_001)
    assert complaint(refused, where=("/body/messages/0/content",)) == ""
    assert refused.status_code == 422


async def test_the_longest_conversation_is_answered(http, caller):
    messages = [
        {"role": "assistant" if number % 2 else "user", "content": f"{number}"}
        for number in range(999)
    ]
    body = {"messages": messages, "model": QUICK}
    answer = await http.post("/v1/chat", json=body, headers=caller.headers)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    "text",
    [
        "\u202e\u2066",
        "\ufffe\uffff",
        "\U0010ffff",
        "e" + "\u0301" * 5000,
        "\r\n\r\ndata: x",
        "\x01\x7f",
    ],
)
async def test_an_odd_text_comes_back_as_it_was_sent(http, caller, ask, text):
    answer = await ask(text)
    assert answer.status_code == 200, answer.text
    made = answer.json()
    path = f"/v1/conversations/{made['conversation_id']}/messages/{made['message']['parent_id']}"
    assert (await http.get(path, headers=caller.headers)).json()["text"] == text


async def test_an_image_at_a_private_address_is_not_fetched_by_the_service(ask):
    met = []

    async def note(_, writer):
        met.append(writer.get_extra_info("peername"))
        writer.close()

    async with await asyncio.start_server(note, "127.0.0.1", 0) as listener:
        port = listener.sockets[0].getsockname()[1]
        for host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]"):
            image = {
                "type": "image", "media_type": "image/png", "url": f"http://{host}:{port}/a.png",
            }  # fmt: skip
            answer = await ask([{"type": "text", "text": "What is this?"}, image])
            assert complaint(answer) == ""
            assert answer.status_code == 200, answer.text
    assert met == []


async def test_bytes_that_are_no_image_are_the_providers_to_judge(ask):
    for data in (PIXEL, "AAAA"):
        answer = await ask([{"type": "image", "media_type": "image/png", "data": data}])
        assert complaint(answer) == ""
        assert answer.status_code == 200, answer.text


async def test_a_turn_takes_one_place_in_the_tree(http, caller):
    path = f"/v1/conversations/{caller.ids['conversation_id']}/turns"
    own = caller.ids["message_id"]
    for body in (
        {"content": "x", "parent_message_id": own, "edit_message_id": own},
        {"content": "x", "regenerate_message_id": own},
        {"content": "x", "edit_message_id": own},
        {},
    ):
        answer = await http.post(path, json={"model": QUICK, **body}, headers=caller.headers)
        assert complaint(answer, where=("/body",)) == ""
        assert answer.status_code == 422, body


@pytest.mark.parametrize("after", [2**31 - 1, 0])
async def test_a_post_resumes_only_at_a_position_of_the_run(http, caller, after):
    headers = {**caller.headers, "Last-Event-ID": f"{caller.ids['run_id']}:{after}"}
    body = {"messages": [{"role": "user", "content": "Hello"}], "model": QUICK}
    answer = await http.post("/v1/chat", json=body, headers=headers)
    assert answer.status_code == (200 if after == 0 else 400)
    assert complaint(answer) == ""


async def test_a_key_that_may_only_read_starts_no_chat(http, caller, ask):
    key = await new_key(http, caller.person, scopes=["conversations:read", "runs:read"])
    body = {"messages": [{"role": "user", "content": "Hello"}], "model": QUICK}
    answer = await http.post("/v1/chat", json=body, headers=bearer(key["key"]))
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
