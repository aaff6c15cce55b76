"""Requests for a provider of another dialect, translated or refused by name."""

from base64 import b64encode

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.inference.dialects.errors import RequestInvalid, UnsupportedParameter
from app.inference.dialects.openai_responses import OpenAIResponses
from app.inference.dialects.signatures import MARK, Proof, unwrap, wrap
from app.inference.providers.types import (
    Citation,
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
from tests.inference.dialects.targets import target_of

DIALECT = OpenAIResponses()
PDF = "data:application/pdf;base64," + b64encode(b"%PDF").decode()
PNG = "data:image/png;base64," + b64encode(b"png").decode()
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}}


@pytest.fixture
def parse(settings):
    def parsed(kind="ollama", model="model-1", **fields):
        ask = DIALECT.read(orjson.dumps({"model": "auto", "input": "Hi", **fields}))
        return DIALECT.parse(ask, target_of(kind, settings, model))

    return parsed


def test_a_string_is_what_the_user_says(parse):
    request = parse(instructions="Be brief.")
    assert request.messages == (
        Message("system", (TextPart("Be brief."),)),
        Message("user", (TextPart("Hi"),)),
    )
    assert request.model == "model-1"


def test_items_of_one_turn_go_into_one_message(parse):
    items = [
        {"role": "developer", "content": "Rules."},
        {
            "type": "message",
            "role": "user",
            "content": [
                {"type": "input_text", "text": "Look:"},
                {"type": "input_image", "image_url": PNG, "detail": "auto"},
                {"type": "input_image", "image_url": "https://x/y.webp"},
                {"type": "input_file", "filename": "a.pdf", "file_data": PDF},
                {"type": "input_file", "file_url": "https://x/b.pdf"},
            ],
        },
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm."}]},
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "Let me see.", "annotations": []}],
        },
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"type": "function_call", "call_id": "c2", "name": "g", "arguments": "[]"},
        {"type": "function_call_output", "call_id": "c1", "output": "sunny"},
        {
            "type": "function_call_output",
            "call_id": "c2",
            "output": [
                {"type": "input_text", "text": "a picture"},
                {"type": "input_image", "image_url": PNG},
            ],
        },
    ]
    picture = ImagePart("image/png", b"png")
    assert parse(input=items).messages == (
        Message("system", (TextPart("Rules."),)),
        Message(
            "user",
            (
                TextPart("Look:"),
                picture,
                ImagePart("image/webp", url="https://x/y.webp"),
                FilePart("application/pdf", b"%PDF", name="a.pdf"),
                FilePart("application/pdf", url="https://x/b.pdf"),
            ),
        ),
        Message(
            "assistant",
            (
                ReasoningPart("Hm."),
                TextPart("Let me see."),
                ToolCallPart("c1", "f", "{}"),
                ToolCallPart("c2", "g", "[]"),
            ),
        ),
        Message(
            "tool",
            (
                ToolResultPart("c1", "f", "sunny"),
                ToolResultPart("c2", "g", "a picture", attachments=(picture,)),
            ),
        ),
    )


def test_settings_have_their_canonical_names(parse):
    request = parse(
        tools=[{"type": "function", "name": "f", "description": "F.", "parameters": SCHEMA}],
        tool_choice={"type": "function", "name": "f"},
        parallel_tool_calls=False,
        text={
            "format": {"type": "json_schema", "name": "n", "schema": SCHEMA, "strict": True},
            "verbosity": "low",
        },
        reasoning={"effort": "low", "summary": "detailed"},
        max_output_tokens=99,
        temperature=0.5,
        top_p=0.9,
        top_logprobs=2,
        include=["message.output_text.logprobs", "reasoning.encrypted_content"],
        metadata={"a": "b"},
        prompt_cache_key="k",
        service_tier="flex",
        safety_identifier="u1",
    )
    assert request.tools == (ToolSpec("f", "F.", SCHEMA),)
    assert request.tool_choice == NamedTool("f")
    assert request.parallel_tool_calls is False
    assert request.response_format == ResponseFormat("json_schema", "n", SCHEMA)
    assert (request.reasoning_effort, request.shows_reasoning) == ("low", True)
    assert (request.max_output_tokens, request.temperature, request.top_p) == (99, 0.5, 0.9)
    assert (request.logprobs, request.top_logprobs) == (True, 2)
    assert (request.metadata, request.cache_key) == ({"a": "b"}, "k")
    assert (request.service_tier, request.user, request.verbosity) == ("flex", "u1", "low")


def test_what_happens_anyway_may_be_asked_for(parse):
    request = parse(
        store=False,
        background=False,
        truncation="disabled",
        stream_options={"include_obfuscation": False},
        service_tier="auto",
        top_logprobs=0,
        metadata={},
        previous_response_id=None,
    )
    assert request == parse()


def test_a_summary_as_the_model_likes_is_no_demand(parse):
    assert parse("openai", reasoning={"summary": "auto"}).shows_reasoning is None
    with pytest.raises(UnsupportedParameter) as refused:
        parse("openai", reasoning={"summary": "detailed"})
    assert refused.value.param == "reasoning.summary"


REFUSED = [
    ({"store": True}, "store"),
    ({"previous_response_id": "resp_1"}, "previous_response_id"),
    ({"conversation": "conv_1"}, "conversation"),
    ({"background": True}, "background"),
    ({"prompt": {"id": "p"}}, "prompt"),
    ({"truncation": "auto"}, "truncation"),
    ({"never_heard_of": 1}, "never_heard_of"),
    ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
    ({"tools": [{"type": "custom", "name": "x"}]}, "tools[0].type"),
    ({"tool_choice": {"type": "allowed_tools"}}, "tool_choice.type"),
    ({"include": ["file_search_call.results"]}, "include[0]"),
    ({"include": [{}]}, "include[0]"),
    ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "input[0].type"),
    ({"input": [{"type": "custom_tool_call", "call_id": "c"}]}, "input[0].type"),
    (
        {"input": [{"role": "user", "content": [{"type": "input_image", "file_id": "f"}]}]},
        "input[0].content[0].file_id",
    ),
    (
        {"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "f"}]}]},
        "input[0].content[0].file_id",
    ),
    (
        {
            "input": [
                {
                    "role": "user",
                    "content": [{"type": "input_image", "image_url": PNG, "detail": "high"}],
                }
            ]
        },
        "input[0].content[0].detail",
    ),
    ({"text": {"format": {"type": "grammar"}}}, "text.format.type"),
    ({"reasoning": {"mode": "x"}}, "reasoning.mode"),
]


@pytest.mark.parametrize(("fields", "param"), REFUSED)
def test_what_cannot_be_translated_is_refused_by_name(parse, fields, param):
    with pytest.raises(UnsupportedParameter) as refused:
        parse("anthropic", **fields)
    assert refused.value.param == param


def test_what_one_provider_has_no_words_for_is_refused_by_the_clients_name(parse):
    with pytest.raises(UnsupportedParameter) as refused:
        parse("anthropic", include=["message.output_text.logprobs"])
    assert refused.value.param == "include"


WRONG = [
    ({"input": 7}, "input"),
    ({"input": [7]}, "input[0]"),
    ({"input": [{"role": "tool", "content": "x"}]}, "input[0].role"),
    ({"input": [{"role": "user", "content": 7}]}, "input[0].content"),
    ({"input": [{"type": "function_call", "name": "f"}]}, "input[0].call_id"),
    (
        {"input": [{"type": "function_call_output", "call_id": "x", "output": "y"}]},
        "input[0].call_id",
    ),
    ({"input": [{"type": "reasoning", "summary": "x"}]}, "input[0].summary"),
    ({"instructions": 1}, "instructions"),
    ({"tools": [{"type": "function"}]}, "tools[0].name"),
    ({"text": 1}, "text"),
    ({"text": {"format": {"type": "json_schema"}}}, "text.format.name"),
    ({"reasoning": {"effort": "huge"}}, "reasoning.effort"),
    ({"reasoning": {"summary": "long"}}, "reasoning.summary"),
    ({"max_output_tokens": 0}, "max_output_tokens"),
    ({"top_logprobs": 21}, "top_logprobs"),
    ({"metadata": {"a": 1}}, "metadata"),
    ({"include": "x"}, "include"),
]


@pytest.mark.parametrize(("fields", "param"), WRONG)
def test_a_field_of_the_wrong_kind_is_named(parse, fields, param):
    with pytest.raises(RequestInvalid) as refused:
        parse(**fields)
    assert refused.value.param == param


def test_an_input_is_needed_unless_it_is_elsewhere():
    with pytest.raises(RequestInvalid) as refused:
        DIALECT.read(b'{"model": "auto"}')
    assert refused.value.param == "input"
    assert DIALECT.read(b'{"model": "auto", "previous_response_id": "resp_1"}').model == "auto"


def test_a_proof_goes_back_to_its_own_model_and_to_no_other(parse):
    item = {"type": "reasoning", "summary": [], "encrypted_content": wrap(Proof("model-1", "sig"))}
    asked = [item, {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}]
    own = parse("anthropic", input=asked).messages[0].parts[0]
    assert own == ReasoningPart("", "sig", None, "anthropic_messages")
    other = parse("anthropic", model="model-2", input=asked).messages[0].parts
    assert [type(part) for part in other] == [ToolCallPart]


def test_reasoning_that_openai_encrypted_is_nothing_to_others(parse):
    item = {"type": "reasoning", "summary": [], "encrypted_content": "gAAAA"}
    assert parse(input=[item, {"role": "user", "content": "Hi"}]).messages == (
        Message("user", (TextPart("Hi"),)),
    )


def test_citations_of_an_earlier_answer_stay_with_it(parse):
    cited = {"type": "url_citation", "url": "https://x", "title": "X", "start_index": 0}
    content = [{"type": "output_text", "text": "So.", "annotations": [cited | {"end_index": 2}]}]
    (message,) = parse(input=[{"role": "assistant", "content": content}]).messages
    assert message.parts == (
        TextPart("So.", (Citation("answer", 0, 2, title="X", url="https://x"),)),
    )


def test_what_is_encrypted_for_one_model_goes_back_as_it_was(parse):
    proof = wrap(Proof("model-1", "secret", redacted=True))
    item = {"type": "reasoning", "summary": [], "encrypted_content": proof}
    asked = [item, {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}]
    own = parse("anthropic", input=asked).messages[0].parts[0]
    assert own == ReasoningPart("", None, "secret", "anthropic_messages")


@given(st.text(), st.text(), st.none() | st.text(), st.booleans())
def test_a_proof_can_be_opened_again(model, value, call, redacted):
    proof = Proof(model, value, call, redacted)
    assert unwrap(wrap(proof)) == proof


@given(st.text(max_size=50))
def test_a_forged_proof_is_none(forged):
    assert unwrap(MARK.decode() + forged) is None


def test_a_breakpoint_stays_where_it_stands(parse):
    hint = {"prompt_cache_breakpoint": {"mode": "explicit"}}
    call = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
    output = [{"type": "input_text", "text": "sunny"} | hint]
    given = [
        {"role": "assistant", "content": [{"type": "output_text", "text": "Hi"} | hint]},
        {"role": "user", "content": [{"type": "input_text", "text": "Go on"} | hint]},
        call,
        {"type": "function_call_output", "call_id": "c", "output": output},
    ]
    for kind in ("openai", "anthropic"):
        found = [message.parts[0] for message in parse(kind, input=given).messages]
        assert [found[at].cache for at in (0, 1, 3)] == ["30m"] * 3
    with pytest.raises(UnsupportedParameter) as refused:
        parse("gemini", input=given)
    assert refused.value.param == "input[0].content[0].prompt_cache_breakpoint"
