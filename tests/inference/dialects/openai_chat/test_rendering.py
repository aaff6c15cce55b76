"""Rendered chunks, validated by the vendor's own models of them."""

import orjson
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from app.inference.dialects.openai_chat import OpenAIChat
from app.inference.providers.collect import Collector
from app.inference.providers.openai_chat.decode import ChunkDecoder
from app.inference.providers.sse import SseReader
from app.inference.providers.types import (
    ChatResult,
    Citation,
    CitationDelta,
    Finished,
    ReasoningDelta,
    TextDelta,
    TextPart,
    TokenLogprob,
    ToolCallDelta,
    ToolCallPart,
    ToolCallStart,
    Usage,
)
from tests.inference.dialects.answers import streams

DIALECT = OpenAIChat()
ASKED = {"model": "auto", "messages": [{"role": "user", "content": "Hi"}], "stream": True}
ASK = DIALECT.read(orjson.dumps(ASKED | {"stream_options": {"include_usage": True}}))
LIKELY = (TokenLogprob("So", -0.1, (("So", -0.1), ("é", -2.0))),)


def chunks_in(frames: bytes) -> list[dict]:
    return [orjson.loads(d) for d in SseReader().feed(frames) if d != b"[DONE]"]


def rendered(events: list) -> bytes:
    renderer = DIALECT.renderer(ASK, "model-1")
    return b"".join(renderer.render(event) for event in events)


def collected(events: list) -> Collector:
    found = Collector("openai_chat")
    for event in events:
        found.add(event)
    return found


def read_back(frames: bytes) -> Collector:
    decoder = ChunkDecoder()
    return collected([e for data in SseReader().feed(frames) for e in decoder.feed(data)])


@given(streams())
def test_every_chunk_is_one_of_the_vendors_and_all_are_of_one_answer(events):
    chunks = chunks_in(rendered(events))
    for chunk in chunks:
        found = ChatCompletionChunk.model_validate(chunk)
        assert found.id == chunks[0]["id"]
    roles = [c["choices"][0]["delta"].get("role") for c in chunks if c["choices"]]
    assert roles == ["assistant"] + [None] * (len(roles) - 1)
    assert [c["usage"] is not None for c in chunks] == [False] * (len(chunks) - 1) + [True]


@given(streams())
def test_what_was_rendered_reads_as_the_same_answer(events):
    again, before = read_back(rendered(events)), collected(events)
    assert text_of(again) == text_of(before)
    assert calls_of(again) == calls_of(before)
    assert again.usage == before.usage


@given(streams(), st.data())
def test_another_goes_on_after_a_break_as_if_there_had_been_none(events, data):
    events = [e for e in events if not isinstance(e, ToolCallStart | ToolCallDelta)]
    cut = data.draw(st.integers(0, len(events) - 2))
    first = DIALECT.renderer(ASK, "model-1")
    head = b"".join(first.render(event) for event in events[:cut])
    second = DIALECT.renderer(ASK, "model-1", relayed=head)
    broken = head + b"".join(second.render(event) for event in events[cut:])
    assert [same(c) for c in chunks_in(broken)] == [same(c) for c in chunks_in(rendered(events))]
    assert len({chunk["id"] for chunk in chunks_in(broken)}) == 1


def same(chunk: dict) -> dict:
    """The chunk without what differs: its identity, and thoughts, of which each signs its own."""
    for choice in chunk["choices"]:
        for block in choice["delta"].get("thinking_blocks", ()):
            block.pop("thinking", None)
    return {name: chunk[name] for name in chunk if name not in ("id", "created")}


def text_of(found: Collector) -> str:
    return "".join(part.text for part in found.parts() if isinstance(part, TextPart))


def calls_of(found: Collector) -> list[tuple[str, str]]:
    return [(p.id, p.arguments) for p in found.parts() if isinstance(p, ToolCallPart)]


def test_log_probabilities_come_through_streamed_and_whole():
    events = [TextDelta("So", LIKELY), Finished("stop", "m", "r")]
    assert read_back(rendered(events)).parts() == (TextPart("So", (), LIKELY),)
    result = ChatResult((TextPart("So", (), LIKELY),), "stop", Usage(), "m", "r")
    whole = ChatCompletion.model_validate_json(DIALECT.render(result, "model-1", ASK))
    token = whole.choices[0].logprobs.content[0]
    assert (token.token, token.bytes) == ("So", [83, 111])
    assert token.top_logprobs[1].bytes == [195, 169]


def test_citations_come_through_streamed_and_whole():
    cited = Citation("answer", 0, 2, title="T", url="https://x")
    events = [TextDelta("So."), CitationDelta(cited), Finished("stop", "m", "r")]
    assert read_back(rendered(events)).parts() == (TextPart("So.", (cited,)),)
    result = ChatResult((TextPart("So.", (cited,)),), "stop", Usage(), "m", "r")
    whole = ChatCompletion.model_validate_json(DIALECT.render(result, "model-1", ASK))
    found = whole.choices[0].message.annotations[0].url_citation
    assert (found.url, found.title, found.start_index, found.end_index) == ("https://x", "T", 0, 2)


def test_a_document_is_cited_with_what_was_quoted_from_it():
    quoted = Citation("page", 1, 2, "sky", "Doc", None, 3)
    events = [TextDelta("One. "), CitationDelta(quoted), TextDelta("Two."), CitationDelta(quoted)]
    rows = [
        row["file_citation"]
        for chunk in chunks_in(rendered([*events, Finished("stop", "m", "r")]))
        if chunk["choices"]
        for row in chunk["choices"][0]["delta"].get("annotations") or ()
    ]
    assert [row["index"] for row in rows] == [5, 9]
    assert (rows[0]["quote"], rows[0]["unit"], rows[0]["file_id"]) == ("sky", "page", "document_3")


def test_reasoning_without_a_word_is_no_chunk():
    renderer = DIALECT.renderer(ASK, "model-1")
    assert renderer.render(ReasoningDelta("")) == b""


def test_a_refusal_has_its_own_place_beside_what_was_said():
    events = [
        TextDelta("Well, "),
        TextDelta("no", LIKELY, refusal=True),
        TextDelta(".", refusal=True),
        Finished("refusal", "m", "r"),
    ]
    chunks = chunks_in(rendered(events))
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks if chunk["choices"]]
    assert "".join(delta.get("refusal") or "" for delta in deltas) == "no."
    assert "".join(delta.get("content") or "" for delta in deltas) == "Well, "
    result = collected(events).result()
    assert [part.refusal for part in result.parts] == [False, True]
    choice = orjson.loads(DIALECT.render(result, "model-1", ASK))["choices"][0]
    assert (choice["message"]["content"], choice["message"]["refusal"]) == ("Well, ", "no.")
    assert (choice["logprobs"]["content"], len(choice["logprobs"]["refusal"])) == (None, 1)
    assert choice["finish_reason"] == "stop"
