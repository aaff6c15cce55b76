"""The vendors' own SDKs talk to the same fakes, and to the demo: what they accept is the wire."""

import anthropic
import openai
import pytest
from google import genai
from google.genai import errors as genai_errors
from google.genai import types as genai_types

from tests.support.fakes.base import KEY, Said, say, status

# google-genai subclasses aiohttp's session, and `error` would make that ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession")

TEXT = "Hello, wörld 🌍"
CALLS = (("call_1", "get_weather", {"city": "Paris"}), ("call_2", "get_weather", {"city": "Rome"}))
TOOL = {"type": "object", "properties": {"city": {"type": "string"}}}


@pytest.fixture
async def openai_sdk(openai_fake):
    async with openai.AsyncOpenAI(
        api_key=KEY, base_url=f"{openai_fake.url}/v1", max_retries=0
    ) as client:
        yield client


@pytest.fixture
async def anthropic_sdk(anthropic_fake):
    async with anthropic.AsyncAnthropic(
        api_key=KEY, base_url=anthropic_fake.url, max_retries=0
    ) as client:
        yield client


@pytest.fixture
async def gemini_sdk(gemini_fake):
    options = genai_types.HttpOptions(base_url=gemini_fake.url)
    client = genai.Client(api_key=KEY, http_options=options)
    async with client.aio as opened:
        yield opened
    client.close()


async def test_openai_reads_a_text_with_usage(openai_sdk):
    answer = await openai_sdk.chat.completions.create(
        model="gpt-fake", messages=[{"role": "user", "content": "Hi"}]
    )
    assert answer.choices[0].message.content == TEXT
    assert answer.usage.prompt_tokens_details.cached_tokens == 20


async def test_openai_reads_a_stream_with_usage(openai_sdk):
    stream = await openai_sdk.chat.completions.create(
        model="gpt-fake",
        messages=[{"role": "user", "content": "Hi"}],
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = [chunk async for chunk in stream]
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == TEXT
    assert chunks[-1].usage.completion_tokens == 50


async def test_openai_reads_parallel_tool_calls(openai_sdk, openai_fake):
    openai_fake.will(say(Said(text=(), calls=CALLS)), say(Said(text=(), calls=CALLS)))
    asked = {
        "model": "gpt-fake",
        "messages": [{"role": "user", "content": "Hi"}],
        "tools": [{"type": "function", "function": {"name": "get_weather", "parameters": TOOL}}],
    }
    whole = await openai_sdk.chat.completions.create(**asked)
    async with openai_sdk.chat.completions.stream(**asked) as stream:
        streamed = await stream.get_final_completion()
    for answer in (whole, streamed):
        calls = answer.choices[0].message.tool_calls
        assert [(c.id, c.function.arguments) for c in calls] == [
            ("call_1", '{"city":"Paris"}'),
            ("call_2", '{"city":"Rome"}'),
        ]


@pytest.mark.parametrize(
    ("code", "error"), [(401, openai.AuthenticationError), (429, openai.RateLimitError)]
)
async def test_openai_raises_its_own_errors(openai_sdk, openai_fake, code, error):
    openai_fake.will(status(code))
    with pytest.raises(error):
        await openai_sdk.chat.completions.create(model="m", messages=[])


async def test_anthropic_reads_a_text_with_usage(anthropic_sdk):
    answer = await anthropic_sdk.messages.create(
        model="claude-fake", max_tokens=99, messages=[{"role": "user", "content": "Hi"}]
    )
    assert answer.content[0].text == TEXT
    assert answer.usage.cache_read_input_tokens == 20


async def test_anthropic_reads_a_stream_of_thoughts_text_and_calls(anthropic_sdk, anthropic_fake):
    said = Said(reasoning=("Well", "…"), signature="c2ln", redacted="ZW5j", calls=CALLS)
    anthropic_fake.will(say(said))
    async with anthropic_sdk.messages.stream(
        model="claude-fake",
        max_tokens=99,
        messages=[{"role": "user", "content": "Hi"}],
        tools=[{"name": "get_weather", "input_schema": TOOL}],
    ) as stream:
        answer = await stream.get_final_message()
    kinds = ["redacted_thinking", "thinking", "text", "tool_use", "tool_use"]
    assert [block.type for block in answer.content] == kinds
    assert answer.content[1].signature == "c2ln"
    assert answer.content[2].text == TEXT
    assert answer.content[4].input == {"city": "Rome"}
    assert answer.stop_reason == "tool_use"
    assert answer.usage.output_tokens == 50


@pytest.mark.parametrize(
    ("code", "error"), [(401, anthropic.AuthenticationError), (429, anthropic.RateLimitError)]
)
async def test_anthropic_raises_its_own_errors(anthropic_sdk, anthropic_fake, code, error):
    anthropic_fake.will(status(code))
    with pytest.raises(error):
        await anthropic_sdk.messages.create(
            model="m", max_tokens=9, messages=[{"role": "user", "content": "Hi"}]
        )


async def test_gemini_reads_a_text_with_usage(gemini_sdk):
    answer = await gemini_sdk.models.generate_content(model="gemini-fake", contents="Hi")
    assert answer.text == TEXT
    assert answer.usage_metadata.thoughts_token_count == 10


async def test_gemini_reads_a_stream(gemini_sdk):
    stream = await gemini_sdk.models.generate_content_stream(model="gemini-fake", contents="Hi")
    chunks = [chunk async for chunk in stream]
    assert "".join(chunk.text or "" for chunk in chunks) == TEXT
    assert chunks[-1].candidates[0].finish_reason == genai_types.FinishReason.STOP


async def test_gemini_reads_parallel_tool_calls(gemini_sdk, gemini_fake):
    gemini_fake.will(say(Said(text=(), calls=CALLS, signature="c2ln")))
    declaration = genai_types.FunctionDeclaration(name="get_weather", parameters_json_schema=TOOL)
    config = genai_types.GenerateContentConfig(
        tools=[genai_types.Tool(function_declarations=[declaration])],
        automatic_function_calling=genai_types.AutomaticFunctionCallingConfig(disable=True),
    )
    answer = await gemini_sdk.models.generate_content(
        model="gemini-fake", contents="Hi", config=config
    )
    assert [call.args for call in answer.function_calls] == [{"city": "Paris"}, {"city": "Rome"}]
    assert answer.candidates[0].content.parts[0].thought_signature == b"sig"


@pytest.mark.parametrize("code", [401, 429])
async def test_gemini_raises_its_own_errors(gemini_sdk, gemini_fake, code):
    gemini_fake.will(*[status(code)] * 6)
    with pytest.raises(genai_errors.ClientError) as caught:
        await gemini_sdk.models.generate_content(model="m", contents="Hi")
    assert caught.value.code == code


@pytest.fixture
async def demo_sdk(demo):
    async with openai.AsyncOpenAI(api_key="any", base_url=demo.base_url, max_retries=0) as client:
        yield client


async def test_openai_reads_the_demo(demo_sdk):
    models = await demo_sdk.models.list()
    assert {model.owned_by for model in models.data} == {"luminous-demo"}
    asked = {"messages": [{"role": "user", "content": "Why?"}]}
    whole = await demo_sdk.chat.completions.create(model="chat", **asked)
    stream = await demo_sdk.chat.completions.create(model="chat?delay_ms=0", stream=True, **asked)
    text = "".join([c.choices[0].delta.content or "" async for c in stream if c.choices])
    assert text == whole.choices[0].message.content
    assert "demo provider" in text


async def test_openai_parses_the_demos_structured_output_and_tool_calls(demo_sdk):
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    asked = {"messages": [{"role": "user", "content": "Why?"}]}
    answer = await demo_sdk.chat.completions.create(
        model="chat",
        response_format={"type": "json_schema", "json_schema": {"name": "n", "schema": schema}},
        **asked,
    )
    assert answer.choices[0].message.content == '{"n":1}'
    tools = [{"type": "function", "function": {"name": "f", "parameters": schema}}]
    async with demo_sdk.chat.completions.stream(
        model="tools?calls=2&delay_ms=0", tools=tools, **asked
    ) as stream:
        final = await stream.get_final_completion()
    assert [c.function.arguments for c in final.choices[0].message.tool_calls] == ['{"n":1}'] * 2


@pytest.mark.parametrize(
    ("model", "error"),
    [
        ("unauthorized", openai.AuthenticationError),
        ("rate-limit", openai.RateLimitError),
        ("context-too-long", openai.BadRequestError),
        ("error", openai.InternalServerError),
        ("nothing", openai.NotFoundError),
        ("chat?tokens=zero", openai.BadRequestError),
    ],
)
async def test_openai_raises_its_own_errors_at_the_demo(demo_sdk, model, error):
    with pytest.raises(error):
        await demo_sdk.chat.completions.create(
            model=model, messages=[{"role": "user", "content": "Hi"}]
        )
