"""Whole responses in canonical parts, and those that have more than can be kept."""

import orjson
import pytest

from app.inference.dialects.openai_responses.whole import decode_response, decode_stream
from app.inference.providers.codec import BadAnswer
from app.inference.providers.types import ReasoningPart, TextPart, ToolCallPart
from tests.support.fakes.base import Said
from tests.support.fakes.openai_responses import response_frames, whole_response

SAID = Said(
    text=("Sunny, ", "they say."),
    reasoning=("Let me ", "look."),
    calls=(("call_a", "look_up", {"city": "Bern"}),),
)
UNSTORED = {"model": "gpt-fake", "store": False}
CITED = {
    "type": "url_citation",
    "url": "https://example.org",
    "title": "Weather",
    "start_index": 0,
    "end_index": 5,
}


def with_part(**more):
    part = {"type": "output_text", "text": "Hi", "annotations": []} | more
    item = {"type": "message", "id": "m", "role": "assistant", "content": [part]}
    return whole_response(SAID, UNSTORED) | {"output": [item]}


@pytest.mark.parametrize("streamed", [False, True])
def test_text_reasoning_and_calls_are_read(streamed):
    if streamed:
        result = decode_stream(b"".join(response_frames(SAID, UNSTORED)))
    else:
        result = decode_response(orjson.dumps(whole_response(SAID, UNSTORED)))
    reasoning, text, call = result.parts
    assert isinstance(reasoning, ReasoningPart)
    assert isinstance(call, ToolCallPart)
    assert (reasoning.text, result.text) == ("Let me look.", "Sunny, they say.")
    assert isinstance(text, TextPart)
    assert (call.id, call.name, orjson.loads(call.arguments)) == (
        "call_a", "look_up", {"city": "Bern"}
    )  # fmt: skip
    assert (result.finish_reason, result.usage.input_tokens) == ("tool_calls", 120)


def test_citations_of_the_web_are_read():
    result = decode_response(orjson.dumps(with_part(annotations=[CITED])))
    (text,) = result.parts
    assert isinstance(text, TextPart)
    assert [cited.url for cited in text.citations] == ["https://example.org"]


@pytest.mark.parametrize(
    "response",
    [
        whole_response(SAID, {"model": "m"}),
        whole_response(SAID, UNSTORED | {"previous_response_id": "resp_0"}),
        with_part() | {"output": [{"type": "web_search_call", "id": "w", "status": "completed"}]},
        with_part()
        | {"output": [{"type": "reasoning", "summary": [], "encrypted_content": "sealed"}]},
        with_part(annotations=[{"type": "file_citation", "file_id": "f", "index": 1}]),
        with_part(type="refusal", refusal="No."),
    ],
)
def test_one_that_has_more_than_can_be_kept_is_not_read(response):
    with pytest.raises(BadAnswer):
        decode_response(orjson.dumps(response))
