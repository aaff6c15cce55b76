"""What every dialect can do, against its fake: text, tools, reasoning, usage, endings, models."""

import pytest

from app.inference.providers.errors import ProviderRejected
from app.inference.providers.types import (
    ChatRequest,
    Finished,
    ImagePart,
    Message,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    Usage,
    UsageReport,
)
from tests.inference.providers.asking import WEATHER, ask, events_of, streamed, user
from tests.support.fakes.base import KEY, Said, say

CALLS = (("call_1", "get_weather", {"city": "Paris"}), ("call_2", "get_weather", {"city": "Rome"}))
USAGE = {
    "openai": Usage(120, 50, 20, 0, 10),
    "anthropic": Usage(120, 50, 20, 10, 10),
    "gemini": Usage(120, 50, 20, 0, 10),
}


async def both(fake, provider, said: Said, request: ChatRequest | None = None):
    """The same answer, whole and streamed; they must be equal."""
    fake.will(say(said), say(said))
    request = request or ask()
    whole, collected = await provider.complete(request), await streamed(provider, request)
    assert whole == collected
    return whole


async def test_a_text_with_usage_and_ending(fake, provider):
    answer = await both(fake, provider, Said())
    assert answer.parts == (TextPart("Hello, wörld 🌍"),)
    assert answer.finish_reason == "stop"
    assert answer.usage == USAGE[fake.kind]
    assert answer.model in ("model-1", "gemini-fake")
    assert answer.response_id in ("chatcmpl-1", "msg_1", "resp-1")


async def test_the_text_comes_piece_by_piece_and_finished_comes_last(fake, provider):
    events = await events_of(provider, ask())
    assert [e.text for e in events if hasattr(e, "text")] == ["Hel", "lo, ", "wörld 🌍"]
    assert isinstance(events[-1], Finished)
    assert isinstance(events[-2], UsageReport)


async def test_parallel_tool_calls_keep_their_ids_and_arguments(fake, provider):
    said = Said(text=("Let me see.",), calls=CALLS)
    answer = await both(fake, provider, said, ask(tools=(WEATHER,)))
    dialect = provider.dialect
    assert answer.parts == (
        TextPart("Let me see."),
        ToolCallPart("call_1", "get_weather", '{"city":"Paris"}', None, dialect),
        ToolCallPart("call_2", "get_weather", '{"city":"Rome"}', None, dialect),
    )
    assert answer.finish_reason == "tool_calls"


async def test_a_call_without_arguments_has_an_empty_object(fake, provider):
    answer = await both(fake, provider, Said(text=(), calls=(("call_1", "now", {}),)))
    assert answer.parts[0].arguments == "{}"


async def test_reasoning_stands_before_the_text(fake, provider):
    answer = await both(fake, provider, Said(reasoning=("Let me ", "think.")))
    reasoning, text = answer.parts
    assert reasoning.text == "Let me think."
    assert reasoning.dialect == provider.dialect
    assert text.text == "Hello, wörld 🌍"


ENDINGS = [
    ("openai", "stop", "stop"),
    ("openai", "eos", "stop"),
    ("openai", "length", "length"),
    ("openai", "model_length", "length"),
    ("openai", "content_filter", "content_filter"),
    ("openai", "a-new-one", "stop"),
    ("anthropic", "stop_sequence", "stop"),
    ("anthropic", "pause_turn", "stop"),
    ("anthropic", "max_tokens", "length"),
    ("anthropic", "model_context_window_exceeded", "length"),
    ("anthropic", "refusal", "refusal"),
    ("gemini", "STOP", "stop"),
    ("gemini", "MAX_TOKENS", "length"),
    ("gemini", "SAFETY", "content_filter"),
    ("gemini", "PROHIBITED_CONTENT", "content_filter"),
]


@pytest.mark.parametrize(("fake", "theirs", "ours"), ENDINGS, indirect=["fake"])
async def test_an_ending_is_one_of_ours(fake, provider, theirs, ours):
    assert (await both(fake, provider, Said(finish=theirs))).finish_reason == ours


async def test_an_answer_without_usage_has_none(fake, provider):
    empty = {"openai": {"prompt_tokens": None}, "gemini": {"promptTokenCount": None}}
    usage = empty.get(fake.kind, {"input_tokens": None, "output_tokens": 0})
    assert (await both(fake, provider, Said(usage=usage))).usage.output_tokens == 0


async def test_models_are_listed_and_the_credentials_checked(fake, provider):
    (listing,) = await provider.list_models()
    assert listing.name in ("gpt-fake", "claude-fake", "gemini-fake")
    assert listing.context_window in (128000, 200000, 1000000)
    await provider.check()
    assert fake.last.method == "GET"


async def test_the_key_stands_in_a_header_and_never_in_the_url(fake, provider):
    await provider.complete(ask())
    await streamed(provider, ask())
    for request in fake.requests:
        assert KEY not in request.path
        assert KEY not in str(request.query)
        assert KEY in str(request.headers)


async def test_a_model_name_cannot_leave_its_place_in_the_path(fake, provider):
    await provider.complete(ask("../../x?y=1#z"))
    assert fake.last.path.count("x") <= 1
    assert ".." not in fake.last.path.split("/")
    assert "y" not in fake.last.query


async def test_a_part_where_it_does_not_belong_is_refused_by_name(fake, provider):
    wrong = [
        Message("system", (ImagePart("image/png", b"x"),)),
        Message("user", (ToolCallPart("1", "f", "{}"),)),
        Message("assistant", (ImagePart("image/png", b"x"),)),
        Message("tool", (TextPart("x"),)),
    ]
    for message in wrong:
        with pytest.raises(ProviderRejected, match=type(message.parts[0]).__name__):
            await provider.complete(ask("m", message))
    assert fake.requests == []


async def test_an_image_without_bytes_or_address_is_refused(fake, provider):
    with pytest.raises(ProviderRejected, match="image"):
        await provider.complete(ask("m", Message("user", (ImagePart("image/png"),))))


async def test_what_is_no_json_is_refused(fake, provider):
    with pytest.raises(ProviderRejected):
        await provider.complete(ask(extra={"x": object()}))
    with pytest.raises(ProviderRejected):
        await provider.complete(ask("m", user("\ud800")))


async def test_extra_fields_pass_but_do_not_replace_ours(fake, provider):
    extra = {"service_tier": "flex", "messages": "mine", "contents": "mine"}
    await provider.complete(ask(extra=extra))
    assert fake.last.body["service_tier"] == "flex"
    name = "contents" if fake.kind == "gemini" else "messages"
    assert fake.last.body[name] != "mine"


async def test_another_dialects_signatures_are_not_sent(fake, provider):
    earlier = Message(
        "assistant",
        (
            ReasoningPart("Hm.", "signed-elsewhere", None, "elsewhere"),
            TextPart("Yes."),
            ToolCallPart("call_1", "f", "{}", "signed-elsewhere", "elsewhere"),
        ),
    )
    await provider.complete(ask("m", user("Hi"), earlier))
    assert "signed-elsewhere" not in str(fake.last.body)
    assert "Yes." in str(fake.last.body)
