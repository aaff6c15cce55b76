import pytest

from app.inference.providers.errors import ProviderRejected
from app.inference.providers.openai_chat import Flavour, OpenAIChatCodec
from app.inference.providers.openai_chat.decode import ChunkDecoder, read_usage
from app.inference.providers.registry import build_provider
from app.inference.providers.types import (
    ImagePart,
    Message,
    NamedTool,
    ReasoningPart,
    ResponseFormat,
    TextDelta,
    TextPart,
    ToolCallDelta,
    ToolCallPart,
    ToolCallStart,
    ToolResultPart,
    ToolSpec,
    Usage,
)
from tests.inference.providers.asking import WEATHER, ask, streamed, user
from tests.support.fakes.base import KEY, Said, event, raw_stream, say

BASE = "https://api.example.com/v1"
DEPLOYMENT = "https://n.openai.azure.com/openai/deployments/d"


def body_of(kind, request, transport, settings, *, streaming=False):
    provider = build_provider(kind, BASE, KEY, transport, settings)
    return provider._codec.encode(request, streaming=streaming)


async def test_a_whole_request_is_encoded(transport, settings):
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    request = ask(
        "gpt-5",
        Message("system", (TextPart("Be brief."),)),
        Message(
            "user",
            (
                TextPart("Look:"),
                ImagePart("image/png", data=b"png"),
                ImagePart("image/png", url="https://x/y.png"),
            ),
        ),
        Message("assistant", (ReasoningPart("Hm."), ToolCallPart("c1", "get_weather", "{}"))),
        Message(
            "tool",
            (
                ToolResultPart("c1", "get_weather", "sunny"),
                ToolResultPart("c2", "get_weather", "gone", is_error=True),
            ),
        ),
        tools=(WEATHER, ToolSpec("now", strict=True)),
        tool_choice=NamedTool("now"),
        parallel_tool_calls=False,
        response_format=ResponseFormat("json_schema", "numbers", schema),
        temperature=0.0,
        top_p=0.5,
        max_output_tokens=99,
        stop=("END",),
        seed=7,
        reasoning_effort="low",
        user="u1",
    )
    call = {"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
    weather = {
        "name": "get_weather",
        "description": "The weather of a city.",
        "parameters": WEATHER.parameters,
    }
    assert body_of("openai", request, transport, settings, streaming=True) == {
        "model": "gpt-5",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "Look:"},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,cG5n"}},
                    {"type": "image_url", "image_url": {"url": "https://x/y.png"}},
                ],
            },
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c1", "content": "sunny"},
            {"role": "tool", "tool_call_id": "c2", "content": "Error: gone"},
        ],
        "stream": True,
        "stream_options": {"include_usage": True},
        "tools": [
            {"type": "function", "function": weather},
            {
                "type": "function",
                "function": {"name": "now", "parameters": {"type": "object"}, "strict": True},
            },
        ],
        "tool_choice": {"type": "function", "function": {"name": "now"}},
        "parallel_tool_calls": False,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "numbers", "schema": schema, "strict": True},
        },
        "temperature": 0.0,
        "top_p": 0.5,
        "max_completion_tokens": 99,
        "stop": ["END"],
        "seed": 7,
        "reasoning_effort": "low",
        "user": "u1",
    }


async def test_compatible_servers_get_the_older_name_of_the_token_limit(transport, settings):
    body = body_of("groq", ask(max_output_tokens=9), transport, settings)
    assert body["max_tokens"] == 9
    assert "max_completion_tokens" not in body


async def test_mistral_gets_only_the_fields_it_knows(transport, settings):
    body = body_of("mistral", ask(seed=1, user="u"), transport, settings, streaming=True)
    assert body["random_seed"] == 1
    assert body.keys() == {"model", "messages", "stream", "random_seed"}


async def test_deepseek_gets_the_reasoning_behind_a_tool_call_back(transport, settings):
    turn = Message("assistant", (ReasoningPart("Hm."), ToolCallPart("c1", "f", "{}")))
    body = body_of("deepseek", ask("m", turn), transport, settings)
    assert body["messages"][0]["reasoning_content"] == "Hm."
    body = body_of("openai", ask("m", turn), transport, settings)
    assert "reasoning_content" not in body["messages"][0]


async def test_more_than_one_choice_is_refused(openai_fake, build):
    with pytest.raises(ProviderRejected, match="`n`"):
        await build(openai_fake).complete(ask(extra={"n": 2}))


async def test_openais_own_hints_to_cache_a_prompt_are_told(transport, settings):
    said = TextPart("Long.", cache="30m")
    others = (TextPart("Hi", cache="5m"), TextPart("there", cache="1h"))
    request = ask(
        "m",
        Message("system", (said,)),
        Message("user", (said, *others)),
        Message("assistant", (said, ToolCallPart("c", "f", "{}"))),
        Message("tool", (ToolResultPart("c", "f", "Long.", cache="30m"),)),
        Message("user", others[:1]),
    )
    marked = {"type": "text", "text": "Long.", "prompt_cache_breakpoint": {"mode": "explicit"}}
    plain = [{"type": "text", "text": text} for text in ("Hi", "there")]
    lines = body_of("openai", request, transport, settings)["messages"]
    contents = [line["content"] for line in lines]
    assert contents == [[marked], [marked, *plain], [marked], [marked], "Hi"]


async def test_a_refusal_is_text_with_its_own_ending(openai_fake, build):
    said = Said(text=(), extra={"refusal": "I cannot."})
    openai_fake.will(say(said), say(said))
    provider = build(openai_fake)
    for answer in (await provider.complete(ask()), await streamed(provider, ask())):
        assert answer.parts == (TextPart("I cannot.", refusal=True),)
        assert (answer.text, answer.finish_reason) == ("I cannot.", "refusal")


def chunk(finish=None, **delta):
    return event({"id": "1", "choices": [{"delta": delta, "finish_reason": finish}]})


async def test_a_finish_reason_is_enough_without_done(openai_fake, build):
    openai_fake.will(raw_stream(chunk(content="Hi"), chunk("stop")))
    assert (await streamed(build(openai_fake), ask())).text == "Hi"


async def test_reasoning_has_several_names(openai_fake, build):
    blocks = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "c"}]},
        {"type": "text", "text": "Hi"},
    ]
    openai_fake.will(
        raw_stream(
            chunk(reasoning="a"),
            chunk(reasoning_content="b", content=None),
            chunk(content=blocks),
            chunk("stop"),
        )
    )
    reasoning, text = (await streamed(build(openai_fake), ask())).parts
    assert (reasoning.text, text.text) == ("abc", "Hi")


def test_calls_are_told_apart_by_id_where_every_index_is_zero():
    decoder = ChunkDecoder()
    events = []
    for call_id in ("a", "b"):
        function = {"name": "f", "arguments": {"x": 1}}
        call = {"index": 0, "id": call_id, "function": function}
        events += decoder.feed(chunk(tool_calls=[call])[6:])
    decoder_end = [*decoder.feed(chunk("stop")[6:]), *decoder.feed(b"[DONE]")]
    assert events == [
        ToolCallStart(0, "a", "f"),
        ToolCallDelta(0, '{"x":1}'),
        ToolCallStart(1, "b", "f"),
        ToolCallDelta(1, '{"x":1}'),
    ]
    assert decoder_end[-1].reason == "tool_calls"
    assert decoder.done


def test_a_chunk_with_an_error_is_one_even_beside_a_choice():
    decoder = ChunkDecoder()
    assert list(decoder.feed(chunk(content="Hi")[6:])) == [TextDelta("Hi")]
    document = {"id": "1", "error": {"message": "no", "code": 502}, "choices": [{"delta": {}}]}
    with pytest.raises(Exception, match="inside"):
        list(decoder.feed(event(document)[6:]))


async def test_reasoning_counted_beside_the_completion_is_added(openai_fake, build):
    details = {"reasoning_tokens": 5}
    usage = {"prompt_tokens": 10, "completion_tokens": 3, "total_tokens": 18}
    openai_fake.will(say(Said(usage=usage | {"completion_tokens_details": details})))
    answer = await build(openai_fake).complete(ask())
    assert (answer.usage.output_tokens, answer.usage.reasoning_tokens) == (8, 5)


@pytest.mark.parametrize(
    ("base", "chat", "models"),
    [
        (
            "https://n.openai.azure.com",
            "https://n.openai.azure.com/openai/v1/chat/completions",
            "https://n.openai.azure.com/openai/v1/models",
        ),
        (
            DEPLOYMENT,
            f"{DEPLOYMENT}/chat/completions?api-version=2024-10-21",
            "https://n.openai.azure.com/openai/models?api-version=2024-10-21",
        ),
        (
            f"{DEPLOYMENT}?api-version=2025-01-01",
            f"{DEPLOYMENT}/chat/completions?api-version=2025-01-01",
            "https://n.openai.azure.com/openai/models?api-version=2025-01-01",
        ),
    ],
)
def test_azure_addresses_and_header(base, chat, models):
    codec = OpenAIChatCodec(base, Flavour(auth="api-key"))
    assert codec.chat_url("m", streaming=True) == chat
    assert codec.models_url(None) == models
    assert codec.headers("k")["api-key"] == "k"
    assert "Authorization" not in codec.headers("k")


def test_a_bare_list_of_models_is_read():
    codec = OpenAIChatCodec(BASE, Flavour())
    models, _ = codec.decode_models(b'[{"id": "a", "context_window": 8}, {"id": "b"}]')
    assert [(m.name, m.context_window) for m in models] == [("a", 8), ("b", None)]


async def test_one_text_part_stays_a_string(transport, settings):
    body = body_of("ollama", ask("m", user("Hi")), transport, settings)
    assert body["messages"] == [{"role": "user", "content": "Hi"}]


def test_sound_is_counted_apart():
    usage = read_usage(
        {
            "prompt_tokens": 10,
            "prompt_tokens_details": {"audio_tokens": 6},
            "completion_tokens": 20,
            "completion_tokens_details": {"audio_tokens": 15},
        }
    )
    assert usage == Usage(10, 20, audio_input_tokens=6, audio_output_tokens=15)
