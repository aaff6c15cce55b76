"""Rendered events, validated by the vendor's own models of them."""

from dataclasses import replace

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from app.inference.dialects.openai_responses import OpenAIResponses
from app.inference.dialects.openai_responses.decode import EventDecoder
from app.inference.providers.collect import Collector
from app.inference.providers.sse import SseReader
from app.inference.providers.types import (
    ChatResult,
    Citation,
    CitationDelta,
    Finished,
    ReasoningDelta,
    ReasoningPart,
    TextDelta,
    TextPart,
    ToolCallDelta,
    ToolCallPart,
    ToolCallStart,
    Usage,
    UsageReport,
)
from tests.inference.dialects.answers import streams

DIALECT = OpenAIResponses()
ASK = DIALECT.read(orjson.dumps({"model": "auto", "input": "Hi", "stream": True}))
EVENT: TypeAdapter = TypeAdapter(ResponseStreamEvent)


def events_in(frames: bytes) -> list[dict]:
    return [orjson.loads(data) for data in SseReader().feed(frames)]


def rendered(events: list) -> bytes:
    renderer = DIALECT.renderer(ASK, "model-1")
    return b"".join(renderer.render(event) for event in events)


@given(streams())
def test_every_event_is_one_of_the_vendors_and_they_are_numbered_without_a_gap(events):
    found = events_in(rendered(events))
    for event in found:
        EVENT.validate_python(event)
    assert [event["sequence_number"] for event in found] == list(range(len(found)))
    assert [event["type"] for event in found[:2]] == ["response.created", "response.in_progress"]
    closing = [e for e in found if e["type"] in ("response.completed", "response.incomplete")]
    assert closing == found[-1:]
    Response.model_validate(found[-1]["response"])


@given(streams())
def test_every_item_opens_once_grows_and_closes_as_it_stands_in_the_response(events):
    found = events_in(rendered(events))
    output = found[-1]["response"]["output"]
    added = [e for e in found if e["type"] == "response.output_item.added"]
    done = {e["output_index"]: e["item"] for e in found if e["type"] == "response.output_item.done"}
    assert [e["output_index"] for e in added] == list(range(len(output)))
    assert [done[index] for index in range(len(output))] == output
    for index, item in enumerate(output):
        pieces = "".join(
            e["delta"]
            for e in found
            if e.get("output_index") == index and e["type"].endswith(".delta")
        )
        match item["type"]:
            case "message":
                assert pieces == item["content"][0]["text"]
            case "reasoning":
                assert pieces == "".join(part["text"] for part in item["summary"])
            case "function_call":
                assert pieces or item["arguments"] == "{}"
                assert pieces in ("", item["arguments"])


@given(streams())
def test_what_was_rendered_reads_as_the_same_answer(events):
    decoder, collected, expected = EventDecoder(), Collector("x"), Collector("x")
    for data in SseReader().feed(rendered(events)):
        for event in decoder.feed(data):
            collected.add(event)
    for event in events:
        expected.add(event)
    assert text_of(collected) == text_of(expected)
    assert calls_of(collected) == calls_of(expected)
    # A response says its tier; the usual one, where none was asked for.
    assert collected.usage == replace(expected.usage, service_tier="default")


def text_of(collected: Collector) -> str:
    return "".join(part.text for part in collected.parts() if isinstance(part, TextPart))


def calls_of(collected: Collector) -> list[tuple[str, str]]:
    return [(p.id, p.arguments) for p in collected.parts() if isinstance(p, ToolCallPart)]


@given(streams(), st.data())
def test_another_goes_on_after_a_break_as_if_there_had_been_none(events, data):
    """Calls are left out: nobody goes on after one has begun."""
    events = [e for e in events if not isinstance(e, ToolCallStart | ToolCallDelta)]
    cut = data.draw(st.integers(0, len(events) - 2))
    first = DIALECT.renderer(ASK, "model-1")
    head = b"".join(first.render(event) for event in events[:cut])
    second = DIALECT.renderer(ASK, "model-2", relayed=head)
    found = events_in(head + b"".join(second.render(event) for event in events[cut:]))
    assert [event["sequence_number"] for event in found] == list(range(len(found)))
    assert [e["type"] for e in found].count("response.created") == 1
    whole = events_in(rendered(events))
    assert [e["type"] for e in found] == [e["type"] for e in whole]
    assert shape(found[-1]["response"]) == shape(whole[-1]["response"])


def shape(response: dict) -> list[dict]:
    """The output without the names that are new every time."""
    return [
        {k: v for k, v in item.items() if k not in ("id", "encrypted_content")}
        for item in response["output"]
    ]


def test_a_whole_answer_is_what_its_stream_ends_with():
    parts = (
        TextPart("The sky is blue.", (Citation("page", 1, 2, "sky", "Doc", None, 0),)),
        ToolCallPart("call_1", "f", '{"a":1}'),
    )
    result = ChatResult(parts, "tool_calls", Usage(3, 4), "m", "r")
    whole = Response.model_validate_json(DIALECT.render(result, "model-1", ASK))
    assert whole.output_text == "The sky is blue."
    annotation = whole.output[0].content[0].annotations[0]
    assert (annotation.type, annotation.filename, annotation.index) == ("file_citation", "Doc", 16)
    assert whole.output[1].call_id == "call_1"
    assert whole.usage.total_tokens == 7
    assert whole.store is False


def test_a_whole_answer_says_what_was_asked():
    asked = {"instructions": "Be brief.", "temperature": 0.5, "metadata": {"team": "blue"}}
    ask = DIALECT.read(orjson.dumps({"model": "auto", "input": "Hi"} | asked))
    result = ChatResult((TextPart("Hi."),), "stop", Usage(), "m", "r")
    told = orjson.loads(DIALECT.render(result, "model-1", ask))
    assert {name: told[name] for name in asked} == asked


def test_a_citation_names_the_stretch_that_it_belongs_to():
    cited = Citation("page", 1, 2, "q", "Doc", "https://x", None)
    events = [
        TextDelta("One. "),
        CitationDelta(cited),
        TextDelta("Two."),
        CitationDelta(cited),
        Finished("stop", "m", "r"),
    ]
    message = events_in(rendered(events))[-1]["response"]["output"][0]
    spans = [(a["start_index"], a["end_index"]) for a in message["content"][0]["annotations"]]
    assert spans == [(0, 5), (5, 9)]


def test_a_call_beside_a_text_keeps_its_own_place():
    events = [
        TextDelta("Let me see."),
        ToolCallStart(0, "call_a", "f"),
        ToolCallStart(1, "call_b", "g"),
        ToolCallDelta(0, "{"),
        ToolCallDelta(1, "[]"),
        ToolCallDelta(0, "}"),
        Finished("tool_calls", "m", "r"),
    ]
    output = events_in(rendered(events))[-1]["response"]["output"]
    assert [(i.get("name"), i.get("arguments")) for i in output[1:]] == [("f", "{}"), ("g", "[]")]


@pytest.mark.parametrize(
    ("reason", "status", "details"),
    [
        ("stop", "completed", None),
        ("length", "incomplete", {"reason": "max_output_tokens"}),
        ("content_filter", "incomplete", {"reason": "content_filter"}),
        ("refusal", "incomplete", {"reason": "content_filter"}),
    ],
)
def test_how_an_answer_ended_stands_in_its_status(reason, status, details):
    frames = rendered([TextDelta("Hi"), UsageReport(Usage(1, 2)), Finished(reason, "m", "r")])
    response = events_in(frames)[-1]["response"]
    assert (response["status"], response["incomplete_details"]) == (status, details)


def test_what_was_asked_for_stands_in_the_response():
    asked = {
        "model": "auto",
        "input": "Hi",
        "instructions": "Be brief.",
        "metadata": {"a": "b"},
        "max_output_tokens": 9,
        "text": {"verbosity": "low"},
        "reasoning": {"effort": "low"},
    }
    renderer = DIALECT.renderer(DIALECT.read(orjson.dumps(asked)), "model-1")
    created = events_in(renderer.render(TextDelta("Hi")))[0]["response"]
    response = Response.model_validate(created)
    assert response.instructions == "Be brief."
    assert response.metadata == {"a": "b"}
    assert response.max_output_tokens == 9
    assert (response.text.verbosity, response.text.format.type) == ("low", "text")
    assert response.reasoning.effort == "low"


def test_reasoning_comes_with_the_proof_that_its_model_wants_back():
    events = [ReasoningDelta("Hm."), ReasoningDelta("", "sig"), Finished("stop", "m", "r")]
    item = events_in(rendered(events))[-1]["response"]["output"][0]
    assert item["summary"] == [{"type": "summary_text", "text": "Hm."}]
    assert item["encrypted_content"]


def test_reasoning_that_another_model_has_signed_stays_away_from_openai():
    result = ChatResult((ReasoningPart("Hm.", "c2ln"),), "stop", Usage(), "m", "r")
    output = orjson.loads(DIALECT.render(result, "claude-1", ASK))["output"]
    ask = DIALECT.read(orjson.dumps({"model": "auto", "input": [*output, {"role": "user"}]}))
    assert orjson.loads(DIALECT.upstream_body(ask, "gpt-1"))["input"] == [{"role": "user"}]


def test_a_refusal_is_a_part_of_its_own_kind():
    events = [
        TextDelta("Well, "),
        TextDelta("no", refusal=True),
        TextDelta(".", refusal=True),
        Finished("refusal", "m", "r"),
    ]
    found = events_in(rendered(events))
    for event in found:
        EVENT.validate_python(event)
    response = found[-1]["response"]
    parts = [item["content"][0] for item in response["output"]]
    assert [part.get("text", part.get("refusal")) for part in parts] == ["Well, ", "no."]
    assert parts[1]["type"] == "refusal"
    assert (response["status"], response["incomplete_details"]) == ("completed", None)
    decoder = EventDecoder()
    again = [event for told in found for event in decoder.feed(orjson.dumps(told))]
    assert [event.refusal for event in again if isinstance(event, TextDelta)] == [False, True, True]
    assert [event.reason for event in again if isinstance(event, Finished)] == ["refusal"]
