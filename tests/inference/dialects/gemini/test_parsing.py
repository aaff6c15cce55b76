"""generateContent requests become canonical ones without losing a word, or are refused by name."""

from dataclasses import replace

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.inference.dialects.errors import RequestInvalid, UnsupportedParameter
from app.inference.dialects.gemini import Gemini
from app.inference.dialects.gemini.naming import camelled
from app.inference.dialects.gemini.schema import json_schema
from app.inference.dialects.signatures import Proof, wrap
from app.inference.providers.gemini import GeminiCodec
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
)
from tests.inference.dialects.requests import requests
from tests.inference.dialects.targets import target_of

DIALECT = Gemini()
CODEC = GeminiCodec("https://generativelanguage.googleapis.com")
HELLO = [{"role": "user", "parts": [{"text": "Hello"}]}]
CALL = {"functionCall": {"name": "get_weather", "args": {"city": "Paris"}}}
JSON = "application/json"
SKIP = "skip_thought_signature_validator"


def parsed(settings, kind="openai", model="gpt-5", **body):
    ask = DIALECT.read(orjson.dumps({"contents": HELLO, **body}), model="auto")
    return DIALECT.parse(ask, target_of(kind, settings, model))


def config(**fields):
    return {"generationConfig": fields}


def snake(value):
    """The same document as Google's Python clients spell it."""
    if isinstance(value, list):
        return [snake(item) for item in value]
    if not isinstance(value, dict):
        return value
    opaque = {"args", "response", "parametersJsonSchema", "responseJsonSchema", "labels"}
    spelled = {}
    for name, held in value.items():
        written = "".join(f"_{c.lower()}" if c.isupper() else c for c in name)
        spelled[written] = held if name in opaque else snake(held)
    return spelled


@given(
    requests("gemini", "gemini-2.5-flash") | requests("gemini", "gemini-3-pro"),
    st.booleans(),
    st.none() | st.just({"team": "a"}),
    st.sampled_from([None, "default", "flex"]),
)
def test_what_our_codec_says_is_read_back_as_it_was(settings, request_, snakes, labels, tier):
    request = replace(
        request_,
        seed=7,
        presence_penalty=0.5,
        logprobs=True,
        top_logprobs=3,
        metadata=labels,
        service_tier=tier,
    )
    body = CODEC.encode(request, streaming=True)
    ask = DIALECT.read(orjson.dumps(snake(body) if snakes else body), model="models/auto")
    again = DIALECT.parse(ask, target_of("gemini", settings, request.model))
    assert CODEC.encode(again, streaming=True) == body
    assert ask.max_output_tokens == request.max_output_tokens
    assert ask.model == "auto"


def test_a_whole_conversation_is_translated(settings):
    request = parsed(
        settings,
        systemInstruction={"parts": [{"text": "Be brief."}]},
        contents=[
            {
                "parts": [
                    {"inlineData": {"mimeType": "image/png", "data": "cG5n"}},
                    {"inlineData": {"mimeType": "audio/wav", "data": "d2F2"}},
                    {"fileData": {"fileUri": "https://example.com/a.pdf"}},
                    {"text": "What is it?"},
                ]
            },
            {"role": "model", "parts": [{"text": "Hm.", "thought": True}, CALL, CALL]},
            {
                "role": "user",
                "parts": [
                    {"functionResponse": {"name": "get_weather", "response": {"output": "sun"}}},
                    {"functionResponse": {"name": "get_weather", "response": {"error": "no"}}},
                    {"text": "Thanks"},
                ],
            },
        ],
        tools=[
            {
                "functionDeclarations": [
                    {
                        "name": "get_weather",
                        "parameters": {
                            "type": "OBJECT",
                            "properties": {"city": {"type": "STRING", "nullable": True}},
                        },
                    }
                ]
            }
        ],
        toolConfig={
            "functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["get_weather"]}
        },
        labels={"team": "a"},
        **config(maxOutputTokens=99, stopSequences=["END"]),
    )
    call = ToolCallPart("call_0", "get_weather", '{"city":"Paris"}')
    assert request.messages == (
        Message("system", (TextPart("Be brief."),)),
        Message(
            "user",
            (
                ImagePart("image/png", b"png"),
                FilePart("audio/wav", b"wav"),
                FilePart("application/pdf", url="https://example.com/a.pdf"),
                TextPart("What is it?"),
            ),
        ),
        Message("assistant", (ReasoningPart("Hm."), call, replace(call, id="call_1"))),
        Message("tool", (ToolResultPart("call_0", "get_weather", "sun"),)),
        Message("tool", (ToolResultPart("call_1", "get_weather", "no", is_error=True),)),
        Message("user", (TextPart("Thanks"),)),
    )
    schema = {"type": "object", "properties": {"city": {"type": ["string", "null"]}}}
    assert request.tools == (ToolSpec("get_weather", parameters=schema),)
    assert request.tool_choice == NamedTool("get_weather")
    assert (request.stop, request.max_output_tokens) == (("END",), 99)
    assert request.metadata == {"team": "a"}


@pytest.mark.parametrize(
    ("given_", "field", "expected"),
    [
        ({"topK": 40.0}, "top_k", 40),
        ({"thinkingConfig": {"thinkingLevel": "high"}}, "reasoning_effort", "high"),
        ({"thinking_config": {"thinking_budget": 900}}, "reasoning_budget", 900),
        ({"thinkingConfig": {"includeThoughts": False}}, "shows_reasoning", None),
        (
            {"responseMimeType": "application/json"},
            "response_format",
            ResponseFormat("json_object"),
        ),
        (
            {"responseMimeType": JSON, "responseSchema": {"type": "STRING"}},
            "response_format",
            ResponseFormat("json_schema", schema={"type": "string"}),
        ),
        ({"responseLogprobs": True, "logprobs": 2}, "top_logprobs", 2),
        ({"candidateCount": 1, "responseModalities": ["TEXT"]}, "extra", {}),
    ],
)
def test_the_generation_config_is_translated(settings, given_, field, expected):
    kind = "gemini" if field == "top_k" else "openai"
    assert getattr(parsed(settings, kind, **config(**given_)), field) == expected


def test_only_allowed_functions_are_offered(settings):
    tools = [{"functionDeclarations": [{"name": name} for name in "abc"]}]
    calling = {"mode": "ANY", "allowedFunctionNames": ["a", "c"]}
    request = parsed(settings, tools=tools, toolConfig={"functionCallingConfig": calling})
    assert [tool.name for tool in request.tools] == ["a", "c"]
    assert request.tool_choice == "required"


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"cachedContent": "cachedContents/x"}, "cachedContent"),
        ({"tools": [{"codeExecution": {}}]}, "tools[0].codeExecution"),
        ({"tools": [{"google_search": {}}]}, "tools[0].googleSearch"),
        ({"topSecret": 1}, "topSecret"),
        (config(candidateCount=2), "generationConfig.candidateCount"),
        (config(speechConfig={"x": 1}), "generationConfig.speechConfig"),
        (config(responseMimeType="text/x.enum"), "generationConfig.responseMimeType"),
        (config(topK=3), "generationConfig.topK"),
        (
            config(thinkingConfig={"includeThoughts": True}),
            "generationConfig.thinkingConfig.includeThoughts",
        ),
        (
            {"safetySettings": [{"category": "X", "threshold": "BLOCK_LOW_AND_ABOVE"}]},
            "safetySettings[0].threshold",
        ),
        ({"toolConfig": {"retrievalConfig": {}}}, "toolConfig.retrievalConfig"),
        (
            {"contents": [*HELLO, {"role": "model", "parts": [{"executableCode": {}}]}, *HELLO]},
            "contents[1].parts[0].executableCode",
        ),
        (
            {
                "contents": [
                    {"parts": [{"fileData": {"fileUri": "gs://b/a.pdf", "mimeType": "a/b"}}]}
                ]
            },
            "contents[0].parts[0].fileData.fileUri",
        ),
        ({"contents": [*HELLO, {"role": "model", "parts": [{"text": "{"}]}]}, "contents"),
    ],
)
def test_what_cannot_be_translated_is_refused_by_name(settings, body, named):
    with pytest.raises(UnsupportedParameter) as refused:
        parsed(settings, **body)
    assert refused.value.param == named


def test_filters_that_are_off_may_be_asked_for_and_others_go_to_gemini(settings):
    off = {"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}
    assert parsed(settings, safetySettings=[off]).extra == {}
    strict = off | {"threshold": "BLOCK_LOW_AND_ABOVE"}
    own = parsed(settings, "gemini", "gemini-3-pro", safetySettings=[strict], cachedContent="c")
    body = CODEC.encode(own, streaming=False)
    assert (body["safetySettings"], body["cachedContent"]) == ([strict], "c")


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"contents": []}, "contents"),
        ({"contents": [1]}, "contents"),
        ({"contents": [{"role": ["x"], "parts": []}]}, "contents[0].role"),
        ({"contents": [{"parts": [{}]}]}, "contents[0].parts[0]"),
        ({"contents": [{"parts": [{"inlineData": {"mimeType": "a/b", "data": "%"}}]}]},
         "contents[0].parts[0].inlineData.data"),
        ({"contents": [{"parts": [{"functionResponse": {"name": "f", "response": {}}}]}]},
         "contents[0].parts[0].functionResponse.id"),
        (config(temperature="hot"), "generationConfig.temperature"),
        (config(thinkingConfig={"thinkingLevel": "HUGE"}),
         "generationConfig.thinkingConfig.thinkingLevel"),
        (config(responseMimeType="application/json", responseSchema={"type": "THING"}),
         "generationConfig.responseSchema.type"),
        ({"toolConfig": {"functionCallingConfig": {"mode": "SOME"}}},
         "toolConfig.functionCallingConfig.mode"),
        ({"labels": {"a": 1}}, "labels"),
        ({"serviceTier": ["x"]}, "serviceTier"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_by_its_place(settings, body, param):
    with pytest.raises(RequestInvalid) as refused:
        parsed(settings, **body)
    assert refused.value.param == param


def test_what_is_the_callers_own_keeps_its_names():
    given_ = {"function_call": {"name": "f", "args": {"snake_case": {"a_b": 1}}}}
    assert camelled([given_]) == [
        {"functionCall": {"name": "f", "args": given_["function_call"]["args"]}}
    ]


def test_a_schema_of_googles_is_a_json_schema():
    schema = {
        "type": "OBJECT",
        "properties": {
            "b_b": {"type": "ARRAY", "items": {"type": "INTEGER"}, "max_items": "3"},
            "a": {"any_of": [{"type": "STRING", "enum": ["x"], "nullable": True}]},
        },
        "propertyOrdering": ["a", "b_b"],
        "required": ["a"],
        "example": {"a": "x"},
    }
    made = json_schema(schema, "s")
    assert made == {
        "type": "object",
        "properties": {
            "a": {"anyOf": [{"type": ["string", "null"], "enum": ["x", None]}]},
            "b_b": {"type": "array", "items": {"type": "integer"}, "maxItems": 3},
        },
        "required": ["a"],
        "examples": [{"a": "x"}],
    }
    assert list(made["properties"]) == ["a", "b_b"]


def test_a_signature_goes_back_to_the_model_that_gave_it_and_to_no_other(settings):
    signed = {"text": "Hm.", "thought": True, "thoughtSignature": wrap(Proof("claude-x", "sig"))}
    redacted = {
        "text": "",
        "thought": True,
        "thoughtSignature": wrap(Proof("claude-x", "enc", redacted=True)),
    }
    call = CALL | {"thoughtSignature": wrap(Proof("claude-x"))}
    contents = [*HELLO, {"role": "model", "parts": [signed, redacted, call]}, *HELLO]
    own = parsed(settings, "anthropic", "claude-x", contents=contents)
    assert own.messages[1].parts[:2] == (
        ReasoningPart("Hm.", "sig", None, "anthropic_messages"),
        ReasoningPart("", None, "enc", "anthropic_messages"),
    )
    other = parsed(settings, "gemini", "gemini-3-pro", contents=contents)
    assert other.messages[1].parts == (
        ReasoningPart("Hm."),
        ToolCallPart("call_0", "get_weather", '{"city":"Paris"}'),
    )
    ask = DIALECT.read(orjson.dumps({"contents": contents}), model="auto")
    passed = orjson.loads(DIALECT.upstream_body(ask, "gemini-3-pro"))
    assert passed["contents"][1]["parts"] == [CALL | {"thoughtSignature": SKIP}]


def test_a_thought_that_was_streamed_in_pieces_goes_back_whole(settings):
    pieces = [{"text": "H", "thought": True}, {"text": "m.", "thought": True}]
    proof = {"text": "", "thoughtSignature": wrap(Proof("claude-x", "sig"))}
    parts = [*pieces, proof, {"text": "So."}, pieces[0], CALL]
    contents = [*HELLO, {"role": "model", "parts": parts}, *HELLO]
    said = parsed(settings, "anthropic", "claude-x", contents=contents).messages[1].parts
    assert said[:3] == (
        ReasoningPart("Hm.", "sig", None, "anthropic_messages"),
        TextPart("So."),
        ReasoningPart("H"),
    )


def test_bytes_without_a_signature_of_ours_go_on_unchanged():
    body = b'{ "contents": [{"parts": [{"text": "Hi"}]}], "novelty": 1 }'
    assert DIALECT.upstream_body(DIALECT.read(body, model="auto"), "gemini-3-pro") == body


@pytest.mark.parametrize(
    "answer", [{"responseJsonSchema": {"type": "string"}}, {"response": {"type": "STRING"}}]
)
def test_what_a_function_answers_is_told_with_what_it_is_for(settings, answer):
    function = {"name": "f", "description": "Looks.", **answer}
    request = parsed(settings, tools=[{"functionDeclarations": [function]}])
    said = 'Looks.\n\nIts answer has this JSON schema: {"type":"string"}'
    assert request.tools[0].description == said
