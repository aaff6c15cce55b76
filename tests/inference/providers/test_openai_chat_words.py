"""What Chat Completions have words for beside text and tools, there and back."""

import pytest

from app.inference.providers.collect import Collector
from app.inference.providers.errors import ProviderRejected
from app.inference.providers.openai_chat import OPENAI_LACKS, TAKES, Flavour, OpenAIChatCodec
from app.inference.providers.types import (
    Citation,
    CitationDelta,
    FilePart,
    Finished,
    ImagePart,
    Message,
    TextDelta,
    TextPart,
    TokenLogprob,
    ToolResultPart,
)
from tests.inference.providers.asking import ask, streamed, user
from tests.support.fakes.base import Said, body_of, event, raw_stream, say

CODEC = OpenAIChatCodec("https://api.example.com/v1", Flavour())
LOGPROBS = {
    "content": [
        {
            "token": "Hi",
            "logprob": -0.5,
            "bytes": [72, 105],
            "top_logprobs": [{"token": "Hi", "logprob": -0.5, "bytes": [72, 105]}],
        }
    ]
}
CITED = {
    "type": "url_citation",
    "url_citation": {"url": "https://x", "title": "X", "start_index": 0, "end_index": 2},
}


def encoded(*messages: Message, **fields):
    return CODEC.encode(ask("m", *messages, **fields), streaming=False)


def test_every_option_has_its_name():
    body = encoded(
        frequency_penalty=0.5,
        presence_penalty=-0.5,
        logit_bias={"1": 2},
        logprobs=True,
        top_logprobs=2,
        verbosity="low",
        service_tier="flex",
        cache_key="k",
        metadata={"a": "b"},
    )
    assert {name: body[name] for name in body if name not in ("model", "messages", "stream")} == {
        "frequency_penalty": 0.5,
        "presence_penalty": -0.5,
        "logit_bias": {"1": 2},
        "logprobs": True,
        "top_logprobs": 2,
        "verbosity": "low",
        "service_tier": "flex",
        "prompt_cache_key": "k",
        "metadata": {"a": "b"},
    }


@pytest.mark.parametrize(
    ("budget", "effort"),
    [(0, "none"), (1, "low"), (2048, "low"), (2049, "medium"), (8193, "high"), (-1, None)],
)
def test_a_reasoning_budget_is_an_effort(budget, effort):
    assert encoded(reasoning_budget=budget).get("reasoning_effort") == effort
    assert encoded(reasoning_budget=budget, reasoning_effort="xhigh")["reasoning_effort"] == "xhigh"


def test_files_sound_and_detail_stand_in_the_users_message():
    parts = (
        FilePart("application/pdf", b"%PDF", name="a.pdf"),
        FilePart("audio/mpeg", b"mp3"),
        ImagePart("image/png", url="https://x/y.png", detail="low"),
    )
    assert encoded(Message("user", parts))["messages"][0]["content"] == [
        {
            "type": "file",
            "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERg=="},
        },
        {"type": "input_audio", "input_audio": {"data": "bXAz", "format": "mp3"}},
        {"type": "image_url", "image_url": {"url": "https://x/y.png", "detail": "low"}},
    ]


def test_what_came_beside_a_tools_text_follows_all_results():
    picture = ImagePart("image/png", b"png")
    results = Message(
        "tool",
        (
            ToolResultPart("c1", "look", "a cat", attachments=(picture,)),
            ToolResultPart("c2", "look", "nothing"),
        ),
    )
    lines = encoded(user("Hi"), results, user("So?"))["messages"]
    assert [line["role"] for line in lines] == ["user", "tool", "tool", "user", "user"]
    told, image = lines[3]["content"]
    assert "c1" in told["text"]
    assert image["image_url"]["url"] == "data:image/png;base64,cG5n"


@pytest.mark.parametrize(
    ("part", "name"),
    [
        (FilePart("application/pdf", url="https://x/a.pdf"), "url"),
        (FilePart("audio/flac", b"x"), "audio/flac"),
        (FilePart("application/pdf", b"x", cited=True), "citations"),
    ],
)
async def test_what_it_has_no_place_for_is_refused_by_name(openai_fake, build, part, name):
    with pytest.raises(ProviderRejected, match=name):
        await build(openai_fake).complete(ask("m", Message("user", (part,))))
    assert openai_fake.requests == []


async def test_openai_is_not_asked_to_show_its_reasoning(openai_fake, build):
    with pytest.raises(ProviderRejected, match="shows_reasoning"):
        await build(openai_fake).complete(ask(shows_reasoning=True))
    assert OPENAI_LACKS < TAKES


async def test_log_probabilities_and_citations_are_read_streamed_and_whole(openai_fake, build):
    choice = {"index": 0, "finish_reason": None, "logprobs": LOGPROBS}
    frames = [
        event({"id": "1", "choices": [choice | {"delta": {"content": "Hi"}}]}),
        event({"id": "1", "choices": [{"index": 0, "delta": {"annotations": [CITED]}}]}),
        event({"id": "1", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}),
    ]
    openai_fake.will(raw_stream(*frames), say(Said(text=("Hi",), extra={"annotations": [CITED]})))
    cited = Citation("answer", 0, 2, title="X", url="https://x")
    likely = (TokenLogprob("Hi", -0.5, (("Hi", -0.5),)),)
    provider = build(openai_fake)
    assert (await streamed(provider, ask())).parts == (TextPart("Hi", (cited,), likely),)
    assert (await provider.complete(ask())).parts == (TextPart("Hi", (cited,)),)


async def test_a_garbled_citation_is_a_garbled_answer(openai_fake, build):
    message = b'{"role":"assistant","content":"Hi","annotations":[{"type":"url_citation"}]}'
    choice = b'{"choices":[{"finish_reason":"stop","message":' + message + b"}]}"
    openai_fake.will(body_of(choice))
    with pytest.raises(Exception, match="dialect"):
        await build(openai_fake).complete(ask())


def test_a_cited_text_ends_where_the_next_one_begins():
    page, web = Citation("page", 1, 2), Citation("answer", 0, 3, url="https://x")
    collected = Collector("x")
    for each in (
        TextDelta("One."),
        CitationDelta(page),
        TextDelta("Two."),
        CitationDelta(web),
        TextDelta(" More."),
        Finished("stop", "m", "r", "END"),
    ):
        collected.add(each)
    assert collected.parts() == (TextPart("One.", (page,)), TextPart("Two. More.", (web,)))
    assert collected.result().stop_sequence == "END"
