"""Events and results as responses, read by Google's own SDK models and by our codec."""

from itertools import pairwise

import orjson
import pytest
from google.genai.types import GenerateContentResponse
from hypothesis import given
from hypothesis import strategies as st

from app.inference.dialects.gemini import Gemini
from app.inference.providers.codec import BadAnswer, InBandError
from app.inference.providers.collect import Collector
from app.inference.providers.errors import ProviderGarbled
from app.inference.providers.gemini.decode import ResponseDecoder, decode_response
from app.inference.providers.sse import SseReader
from app.inference.providers.types import (
    ChatResult,
    Citation,
    CitationDelta,
    Finished,
    TextDelta,
    TextPart,
    TokenLogprob,
    ToolCallDelta,
    ToolCallPart,
    ToolCallStart,
    Usage,
    UsageReport,
)
from tests.inference.dialects.whole_answers import whole_streams
from tests.support.fakes.base import event

DIALECT = Gemini()
ASK = DIALECT.read(b'{"contents": [{"parts": [{"text": "Hi"}]}]}', model="auto", streaming=True)
HELLO = [TextDelta("Hello"), UsageReport(Usage(20, 5, 3, 0, 2)), Finished("stop", "m", "r")]


def frames_of(events, relayed=b""):
    renderer = DIALECT.renderer(ASK, "model-1", relayed=relayed)
    return [frame for each in events if (frame := renderer.render(each))]


def chunks_of(stream):
    return [GenerateContentResponse.model_validate_json(data) for data in SseReader().feed(stream)]


def collected(events):
    collector = Collector("gemini")
    for each in events:
        collector.add(each)
    return collector.result()


def decoded(stream):
    decoder = ResponseDecoder()
    found = [each for data in SseReader().feed(stream) for each in decoder.feed(data)]
    return collected([*found, *decoder.end()])


def meaning_of(result):
    """What Google's words can tell of an answer."""
    texts = [part for part in result.parts if isinstance(part, TextPart)]
    calls = [part for part in result.parts if isinstance(part, ToolCallPart)]
    reason = "content_filter" if result.finish_reason == "refusal" else result.finish_reason
    usage = result.usage
    return {
        "text": result.text,
        "logprobs": [found for part in texts for found in part.logprobs],
        "calls": [(call.id, call.name, call.arguments) for call in calls],
        "reason": reason,
        "usage": (usage.input_tokens, usage.output_tokens, usage.cached_input_tokens),
        "reasoning": usage.reasoning_tokens,
    }


@given(whole_streams)
def test_our_own_codec_reads_a_stream_and_a_whole_response_back(events):
    said = meaning_of(collected(events))
    stream = b"".join(frames_of(events))
    assert meaning_of(decoded(stream)) == said
    assert meaning_of(decode_response(DIALECT.render(collected(events), "model-1", ASK))) == said


@given(whole_streams)
def test_the_sdk_reads_every_chunk(events):
    chunks = chunks_of(b"".join(frames_of(events)))
    parts = [part for chunk in chunks for part in chunk.candidates[0].content.parts or ()]
    said = [each.text for each in events if isinstance(each, TextDelta)]
    assert "".join(part.text for part in parts if part.text and not part.thought) == "".join(said)
    assert len({chunk.response_id for chunk in chunks}) == 1
    assert [chunk.candidates[0].finish_reason for chunk in chunks[:-1]] == [None] * (
        len(chunks) - 1
    )
    assert chunks[-1].usage_metadata.total_token_count is not None


@given(whole_streams, whole_streams, st.data())
def test_an_answer_that_broke_off_is_gone_on_with(first, second, data):
    frames = frames_of(first)
    relayed = b"".join(frames[: data.draw(st.integers(0, len(frames) - 1))])
    stream = relayed + b"".join(frames_of(second, relayed))
    said = "".join(each.text for each in second if isinstance(each, TextDelta))
    assert decoded(stream).text.endswith(said)
    assert len({chunk.response_id for chunk in chunks_of(stream)}) == 1


def test_a_call_leaves_whole_with_a_signature():
    events = [
        ToolCallStart(0, "a", "f", "c2ln"),
        ToolCallDelta(0, '{"x":'),
        ToolCallStart(1, "b", "g"),
        ToolCallDelta(0, "1}"),
        Finished("tool_calls", "m", "r"),
    ]
    (chunk,) = chunks_of(b"".join(frames_of(events)))
    parts = chunk.candidates[0].content.parts
    assert [(p.function_call.id, p.function_call.args) for p in parts] == [
        ("a", {"x": 1}),
        ("b", {}),
    ]
    assert all(part.thought_signature for part in parts)
    assert chunk.candidates[0].finish_reason == "STOP"


def test_arguments_that_are_no_object_are_garbage_unless_the_limit_cut_them():
    events = [ToolCallStart(0, "a", "f"), ToolCallDelta(0, '{"x')]
    with pytest.raises(ProviderGarbled, match="tool call"):
        frames_of([*events, Finished("tool_calls", "m", "r")])
    (chunk,) = chunks_of(b"".join(frames_of([*events, Finished("length", "m", "r")])))
    assert chunk.candidates[0].finish_reason == "MAX_TOKENS"
    cut = ChatResult((ToolCallPart("a", "f", "["),), "tool_calls", Usage(), "m", "r")
    with pytest.raises(ProviderGarbled):
        DIALECT.render(cut, "model-1", ASK)


def test_sources_are_told_in_bytes_and_read_in_characters():
    web = Citation("answer", 0, 5, None, "A page", "https://example.com")
    book = Citation("page", 3, 5, "grün", "A book", None, 0)
    events = [
        TextDelta("Wörld"),
        CitationDelta(web),
        TextDelta(" is grün."),
        CitationDelta(book),
        Finished("stop", "m", "r"),
    ]
    stream = b"".join(frames_of(events))
    metadata = chunks_of(stream)[-1].candidates[0].grounding_metadata
    assert metadata.grounding_chunks[0].web.uri == "https://example.com"
    assert metadata.grounding_supports[0].segment.end_index == 6
    pages = metadata.grounding_chunks[1].retrieved_context.rag_chunk.page_span
    assert (pages.first_page, pages.last_page) == (3, 4)
    found = [c for part in decoded(stream).parts for c in part.citations]
    assert found == [web, Citation("answer", 0, 14, "grün", "A book")]


def test_logprobs_are_told_on_the_candidate():
    logprob = TokenLogprob("Hel", -0.5, (("Hel", -0.5), ("Hi", -1.5)))
    chunk = chunks_of(b"".join(frames_of([TextDelta("Hel", (logprob,)), *HELLO[1:]])))[0]
    result = chunk.candidates[0].logprobs_result
    assert result.chosen_candidates[0].log_probability == -0.5
    assert [c.token for c in result.top_candidates[0].candidates] == ["Hel", "Hi"]


@given(whole_streams, st.data(), st.sampled_from([b"\n", b"\r\n"]))
def test_a_stream_cut_anywhere_leaves_as_it_came(events, data, newline):
    stream = b"".join(frames_of(events)).replace(b"\r\n", newline)
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=6))
    frames = DIALECT.frames(ASK)
    places = [0, *sorted(cuts), len(stream)]
    passed = b"".join(frames.feed(stream[a:b]) for a, b in pairwise(places) if a < b)
    assert not frames.done
    assert passed + frames.end() == stream
    assert frames.done
    assert frames.fault is None
    usage = next(each.usage for each in events if isinstance(each, UsageReport))
    assert frames.usage.output_tokens == usage.output_tokens
    assert frames.usage.input_tokens == usage.input_tokens


def test_the_end_is_held_until_the_body_ends():
    first, last = frames_of(HELLO)
    frames = DIALECT.frames(ASK)
    assert frames.feed(first + last) == first
    assert frames.begun
    assert frames.end() == last
    assert frames.done


def test_servers_that_tell_of_the_stop_in_every_chunk_are_not_held_back():
    _, last = frames_of(HELLO)
    frames = DIALECT.frames(ASK)
    assert frames.feed(last + last + last) == last + last
    assert frames.end() == last


def test_a_body_that_ends_without_a_stop_is_not_done():
    frames = DIALECT.frames(ASK)
    frames.feed(frames_of(HELLO)[0])
    assert frames.end() == b""
    assert not frames.done


def test_a_blocked_prompt_is_an_answer():
    blocked = event({"promptFeedback": {"blockReason": "SAFETY"}})
    frames = DIALECT.frames(ASK)
    assert frames.feed(blocked) == b""
    assert frames.begun
    assert (frames.end(), frames.done) == (blocked, True)


@pytest.mark.parametrize(
    ("frame", "fault"),
    [
        (event({"error": {"code": 503, "status": "UNAVAILABLE"}}), InBandError),
        (b'data: {"half": \n\n', BadAnswer),
        (b"data: [1]\n\n", BadAnswer),
    ],
)
def test_a_fault_ends_the_stream_and_does_not_leave(frame, fault):
    begin = frames_of(HELLO)[0].replace(b"\r\n", b"\n")
    frames = DIALECT.frames(ASK)
    assert frames.feed(begin + frame + begin) == begin
    assert isinstance(frames.fault, fault)
    assert frames.end() == b""
    assert not frames.done


def test_usage_is_told_in_googles_counts():
    chunk = chunks_of(b"".join(frames_of(HELLO)))[-1]
    usage = chunk.usage_metadata
    assert (usage.prompt_token_count, usage.candidates_token_count) == (20, 3)
    assert (usage.thoughts_token_count, usage.cached_content_token_count) == (2, 3)
    assert usage.total_token_count == 25


def test_a_whole_answer_is_checked():
    DIALECT.check_answer(orjson.loads(DIALECT.render(collected(HELLO), "m", ASK)))
    with pytest.raises(InBandError):
        DIALECT.check_answer({"error": {"code": 500}})
    with pytest.raises(BadAnswer):
        DIALECT.check_answer({"candidates": []})
