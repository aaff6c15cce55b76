import orjson
import pytest

from app.inference.providers.codec import Unsupported
from app.inference.providers.errors import ContentFiltered, ProviderFailed
from app.inference.providers.gemini import GeminiCodec
from app.inference.providers.gemini.decode import read_usage
from app.inference.providers.types import (
    FilePart,
    ImagePart,
    Message,
    NamedTool,
    ReasoningPart,
    ResponseFormat,
    TextPart,
    ToolCallPart,
    ToolResultPart,
    ToolSpec,
    Usage,
)
from tests.inference.providers.asking import WEATHER, ask, streamed, user
from tests.support.fakes.base import Said, body_of, event, raw_stream, say

codec = GeminiCodec("https://generativelanguage.googleapis.com")


def encode(*messages, model="gemini-2.5-flash", **fields):
    return codec.encode(ask(model, *messages, **fields), streaming=False)


def test_a_whole_conversation_is_encoded():
    body = encode(
        Message("system", (TextPart("Be brief."),)),
        Message(
            "user",
            (
                TextPart("Look:"),
                ImagePart("image/png", data=b"png"),
                ImagePart("image/png", url="https://x/y.png"),
            ),
        ),
        Message(
            "assistant",
            (
                ReasoningPart("Hm."),
                ToolCallPart("c1", "get_weather", '{"city":"Paris"}', "c2ln", "gemini"),
                ToolCallPart("c2", "get_weather", ""),
            ),
        ),
        Message("tool", (ToolResultPart("c1", "get_weather", '{"sky": "blue"}'),)),
        Message("tool", (ToolResultPart("c2", "get_weather", "gone", is_error=True),)),
        user("Thanks"),
        temperature=0.5,
        top_p=0.9,
        max_output_tokens=99,
        stop=("END",),
        seed=7,
        user="u1",
    )
    call = {"id": "c1", "name": "get_weather", "args": {"city": "Paris"}}
    ok = {"id": "c1", "name": "get_weather", "response": {"sky": "blue"}}
    bad = {"id": "c2", "name": "get_weather", "response": {"error": "gone"}}
    assert body == {
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "contents": [
            {
                "role": "user",
                "parts": [
                    {"text": "Look:"},
                    {"inlineData": {"mimeType": "image/png", "data": "cG5n"}},
                    {"fileData": {"mimeType": "image/png", "fileUri": "https://x/y.png"}},
                ],
            },
            {
                "role": "model",
                "parts": [
                    {"functionCall": call, "thoughtSignature": "c2ln"},
                    {"functionCall": {"id": "c2", "name": "get_weather", "args": {}}},
                ],
            },
            {
                "role": "user",
                "parts": [
                    {"functionResponse": ok},
                    {"functionResponse": bad},
                    {"text": "Thanks"},
                ],
            },
        ],
        "generationConfig": {
            "temperature": 0.5,
            "topP": 0.9,
            "maxOutputTokens": 99,
            "stopSequences": ["END"],
            "seed": 7,
        },
    }


@pytest.mark.parametrize(
    ("choice", "tool", "expected"),
    [
        (None, WEATHER, None),
        ("auto", WEATHER, {"mode": "AUTO"}),
        ("required", WEATHER, {"mode": "ANY"}),
        ("none", WEATHER, {"mode": "NONE"}),
        (NamedTool("f"), WEATHER, {"mode": "ANY", "allowedFunctionNames": ["f"]}),
        (None, ToolSpec("f", strict=True), {"mode": "VALIDATED"}),
    ],
)
def test_the_choice_of_tools(choice, tool, expected):
    body = encode(user("Hi"), tools=(tool,), tool_choice=choice)
    config = body.get("toolConfig", {}).get("functionCallingConfig")
    assert config == expected
    (declaration,) = body["tools"][0]["functionDeclarations"]
    assert declaration["parametersJsonSchema"] == tool.parameters


def test_a_schema_goes_into_the_generation_config():
    schema = {"type": "object"}
    body = encode(user("Hi"), response_format=ResponseFormat("json_schema", schema=schema))
    assert body["generationConfig"] == {
        "responseMimeType": "application/json",
        "responseJsonSchema": schema,
    }
    body = encode(user("Hi"), response_format=ResponseFormat("json_object"))
    assert body["generationConfig"] == {"responseMimeType": "application/json"}


@pytest.mark.parametrize(
    ("model", "effort", "expected"),
    [
        ("gemini-2.5-pro", "high", {"includeThoughts": True, "thinkingBudget": 24576}),
        ("gemini-2.5-flash", "none", {"includeThoughts": False, "thinkingBudget": 0}),
        ("gemini-3-pro", "low", {"includeThoughts": True, "thinkingLevel": "LOW"}),
        ("gemini-flash-latest", "max", {"includeThoughts": True, "thinkingLevel": "XHIGH"}),
    ],
)
def test_reasoning_effort_is_a_budget_or_a_level(model, effort, expected):
    body = encode(user("Hi"), model=model, reasoning_effort=effort)
    assert body["generationConfig"]["thinkingConfig"] == expected


def test_serial_tool_calls_cannot_be_asked_for():
    with pytest.raises(Unsupported, match="parallel"):
        encode(user("Hi"), parallel_tool_calls=False)


def test_a_generation_config_of_the_callers_is_joined_with_ours():
    body = encode(user("Hi"), temperature=1.0, extra={"generationConfig": {"topK": 5}})
    assert body["generationConfig"] == {"topK": 5, "temperature": 1.0}


async def test_a_call_keeps_the_signature_of_its_thought(gemini_fake, build):
    said = Said(text=(), calls=(("", "f", {"x": 1}),), signature="c2ln")
    gemini_fake.will(say(said), say(said))
    provider = build(gemini_fake)
    for answer in (await provider.complete(ask()), await streamed(provider, ask())):
        assert answer.parts == (ToolCallPart("call_resp-1_0", "f", '{"x":1}', "c2ln", "gemini"),)


async def test_a_blocked_prompt_is_content_filtered(gemini_fake, build):
    blocked = {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {}}
    frame = event(blocked)
    gemini_fake.will(body_of(frame[6:]), raw_stream(frame))
    provider = build(gemini_fake)
    for call in (provider.complete(ask()), streamed(provider, ask())):
        with pytest.raises(ContentFiltered, match="SAFETY"):
            await call


async def test_a_malformed_call_is_the_providers_failure(gemini_fake, build):
    gemini_fake.will(say(Said(finish="MALFORMED_FUNCTION_CALL")))
    with pytest.raises(ProviderFailed, match="MALFORMED_FUNCTION_CALL"):
        await streamed(build(gemini_fake), ask())


def test_the_address_of_a_call():
    assert codec.chat_url("models/gemini-3-pro", streaming=True) == (
        "https://generativelanguage.googleapis.com/v1beta/models/gemini-3-pro"
        ":streamGenerateContent?alt=sse"
    )
    assert codec.chat_url("tunedModels/mine", streaming=False).endswith(
        "/v1beta/tunedModels/mine:generateContent"
    )


def test_sampling_files_and_attachments_are_encoded():
    body = encode(
        Message("user", (FilePart("audio/wav", b"wav"),)),
        Message("assistant", (ToolCallPart("c1", "f", "{}"),)),
        Message(
            "tool",
            (ToolResultPart("c1", "f", "seen", attachments=(ImagePart("image/png", b"png"),)),),
        ),
        model="gemini-3-pro",
        top_k=5,
        frequency_penalty=0.5,
        logprobs=True,
        top_logprobs=2,
        reasoning_budget=300,
        shows_reasoning=True,
        service_tier="flex",
        metadata={"team": "a"},
    )
    assert body["contents"][0]["parts"] == [
        {"inlineData": {"mimeType": "audio/wav", "data": "d2F2"}}
    ]
    # A call that no Gemini made passes its check by Google's own word for that.
    assert body["contents"][1]["parts"][0]["thoughtSignature"] == "skip_thought_signature_validator"
    assert body["contents"][2]["parts"][0]["functionResponse"]["parts"][0]["inlineData"]
    assert body["generationConfig"] == {
        "topK": 5,
        "frequencyPenalty": 0.5,
        "responseLogprobs": True,
        "logprobs": 2,
        "thinkingConfig": {"includeThoughts": True, "thinkingBudget": 300},
    }
    assert (body["serviceTier"], body["labels"]) == ("flex", {"team": "a"})


def test_citations_out_of_a_file_cannot_be_asked_for():
    with pytest.raises(Unsupported, match="citations"):
        encode(Message("user", (FilePart("application/pdf", b"pdf", cited=True),)))


async def test_the_signature_of_a_text_is_kept_behind_it(gemini_fake, build):
    parts = [{"text": "Hello"}, {"text": "", "thoughtSignature": "c2ln"}]
    document = gemini_fake.response(Said(), parts, "STOP")
    gemini_fake.will(body_of(orjson.dumps(document)))
    answer = await build(gemini_fake).complete(ask())
    assert answer.parts == (TextPart("Hello"), ReasoningPart("", "c2ln", None, "gemini"))
    assert encode(user("Hi"), Message("assistant", answer.parts))["contents"][1]["parts"] == parts


def test_sound_and_pictures_are_counted_apart():
    usage = read_usage(
        {
            "promptTokenCount": 100,
            "promptTokensDetails": [
                {"modality": "TEXT", "tokenCount": 30},
                {"modality": "AUDIO", "tokenCount": 60},
                {"modality": "IMAGE", "tokenCount": 10},
            ],
            "cachedContentTokenCount": 20,
            "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 20}],
            "candidatesTokenCount": 1290,
            "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1290}],
        }
    )
    assert usage == Usage(
        100, 1290, 20, audio_input_tokens=40, image_input_tokens=10, cached_audio_tokens=20,
        image_output_tokens=1290,
    )  # fmt: skip
