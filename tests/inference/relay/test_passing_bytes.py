"""What a provider of the same dialect gets and gives is passed byte for byte."""

import orjson
import pytest

from tests.inference.relay.asking import ask, post
from tests.support.fakes.base import Said, body_of, cut_in_character, raw_stream
from tests.support.fakes.openai import FakeOpenAI

USAGE = {"include_usage": True}


def frames(gateway, options: dict) -> bytes:
    body = {"model": "gpt-fake", "stream_options": options}
    return b"".join(FakeOpenAI().frames(Said(), body))


async def test_a_stream_with_usage_is_the_upstreams_to_the_byte(client, gateway):
    answer = await ask(client, gateway, stream=True, stream_options=USAGE)
    assert answer.content == frames(gateway, USAGE)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["x-request-id"]


async def test_without_it_only_the_usage_chunk_is_missing(client, gateway):
    answer = await ask(client, gateway, stream=True)
    assert answer.content == frames(gateway, {})
    assert gateway.fake.last.body["stream_options"] == USAGE


async def test_other_stream_options_stay_beside_the_one_we_add(client, gateway):
    options = {"include_usage": False, "include_obfuscation": False}
    await ask(client, gateway, stream=True, stream_options=options)
    expected = {"include_usage": True, "include_obfuscation": False}
    assert gateway.fake.last.body["stream_options"] == expected


async def test_a_whole_answer_is_passed_as_it_came(client, gateway):
    odd = b'{ "choices": [ {"message": {"content":"\\u00e9"} } ],\n "model":"x", "odd": 1.0 }'
    gateway.fake.will(body_of(odd))
    answer = await ask(client, gateway)
    assert answer.content == odd


async def test_parameters_we_have_never_heard_of_pass(client, gateway):
    body = (
        b'{ "messages" : [{"role":"user","content":"Say \\"model\\": \\"x\\" \\u00e9"}],\n'
        b'"model" : "%b" , "metadata": {"model": "mine"}, "big": 123456789012345678901234567890,'
        b' "float": 1.50, "future_option": {"a": [1, {"b": null}]} }'
    ) % gateway.model.encode()
    seen = []

    async def keep(fake, exchange, document):
        seen.append(exchange.request.body)
        await exchange.send(200, orjson.dumps(fake.whole(Said(), document)))

    gateway.fake.will(keep)
    answer = await post(client, gateway, body)
    assert answer.status_code == 200
    assert seen == [body.replace(gateway.model.encode(), b"gpt-fake")]


async def test_a_character_cut_in_two_arrives_whole(client, gateway):
    gateway.fake.will(cut_in_character())
    answer = await ask(client, gateway, stream=True)
    assert answer.content == frames(gateway, {})


@pytest.mark.parametrize("size", [1, 7, 100])
async def test_a_stream_cut_anywhere_arrives_whole(client, gateway, size):
    whole = frames(gateway, USAGE)
    gateway.fake.will(raw_stream(*(whole[i : i + size] for i in range(0, len(whole), size))))
    answer = await ask(client, gateway, stream=True)
    assert answer.content == frames(gateway, {})


async def test_line_ends_of_other_systems_are_kept(client, gateway):
    gateway.fake.will(raw_stream(frames(gateway, USAGE).replace(b"\n", b"\r\n")))
    answer = await ask(client, gateway, stream=True)
    assert answer.content == frames(gateway, {}).replace(b"\n", b"\r\n")


async def test_comments_and_empty_choices_pass(client, gateway):
    prompt = b'data: {"choices":[],"prompt_filter_results":[]}\n\n'
    stream = b": working\n\n" + prompt + frames(gateway, {})
    gateway.fake.will(raw_stream(stream))
    answer = await ask(client, gateway, stream=True)
    assert answer.content == stream


async def test_a_closing_line_without_its_blank_one_is_an_end(client, gateway):
    gateway.fake.will(raw_stream(frames(gateway, {}).rstrip(b"\n")))
    answer = await ask(client, gateway, stream=True)
    assert answer.content == frames(gateway, {})
