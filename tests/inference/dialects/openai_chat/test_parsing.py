"""Chat Completions requests for an adapter, translated or refused by name."""

from base64 import b64encode

import orjson
import pytest

from app.inference.dialects.errors import RequestInvalid, UnsupportedParameter
from app.inference.dialects.openai_chat import OpenAIChat
from app.inference.providers.types import (
    Citation,
    FilePart,
    ImagePart,
    Message,
    ResponseFormat,
    TextPart,
    ToolSpec,
)
from tests.inference.dialects.targets import target_of

DIALECT = OpenAIChat()
PDF = "data:application/pdf;base64," + b64encode(b"%PDF").decode()
PNG = "data:image/png;base64," + b64encode(b"png").decode()
SOUND = b64encode(b"wave").decode()


@pytest.fixture
def parse(settings):
    def parsed(kind="anthropic", content="Hi", **fields):
        asked = {"model": "auto", "messages": [{"role": "user", "content": content}], **fields}
        return DIALECT.parse(DIALECT.read(orjson.dumps(asked)), target_of(kind, settings))

    return parsed


def part_of(parse, part, kind="openai"):
    return parse(kind, [part]).messages[0].parts[0]


def test_every_option_that_openai_has_words_for_is_canonical(parse):
    options = {
        "frequency_penalty": -0.5,
        "presence_penalty": 2,
        "logit_bias": {"50256": -100},
        "logprobs": True,
        "top_logprobs": 3,
        "verbosity": "low",
        "service_tier": "flex",
        "metadata": {"a": "b"},
        "reasoning_effort": "high",
    }
    request = parse("openai", **options, prompt_cache_key="k", never_heard_of=1)
    assert {name: getattr(request, name) for name in options} == options
    assert request.cache_key == "k"
    assert request.extra == {"never_heard_of": 1}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("logit_bias", {"1": 1}),
        ("verbosity", "high"),
        ("n", 2),
        ("prediction", {}),
        ("web_search_options", {}),
        ("store", True),
    ],
)
def test_what_a_provider_has_no_words_for_is_refused_by_the_clients_name(parse, name, value):
    with pytest.raises(UnsupportedParameter) as refused:
        parse("anthropic", **{name: value})
    assert refused.value.param == name


def test_files_and_sound_are_read_with_their_kind(parse):
    file = {"type": "file", "file": {"filename": "a.pdf", "file_data": PDF}}
    assert part_of(parse, file) == FilePart("application/pdf", b"%PDF", name="a.pdf")
    sound = {"type": "input_audio", "input_audio": {"data": SOUND, "format": "mp3"}}
    assert part_of(parse, sound) == FilePart("audio/mpeg", b"wave")


def test_a_file_that_another_provider_holds_is_refused_by_name(parse):
    with pytest.raises(UnsupportedParameter) as refused:
        parse(content=[{"type": "file", "file": {"file_id": "file-1"}}])
    assert refused.value.param == "messages[0].content[0].file.file_id"


def test_how_closely_to_look_is_for_openai_alone(parse):
    image = {"type": "image_url", "image_url": {"url": PNG, "detail": "high"}}
    assert part_of(parse, image) == ImagePart("image/png", b"png", detail="high")
    with pytest.raises(UnsupportedParameter) as refused:
        parse("gemini", [image])
    assert refused.value.param == "messages[0].content[0].image_url.detail"
    image["image_url"]["detail"] = "auto"
    assert part_of(parse, image, "gemini") == ImagePart("image/png", b"png")


def test_hints_to_cache_the_prompt_are_understood_in_both_words(parse):
    for hint, told in [
        ({"cache_control": {"type": "ephemeral"}}, "5m"),
        ({"cache_control": {"type": "ephemeral", "ttl": "1h"}}, "1h"),
        ({"prompt_cache_breakpoint": {"mode": "explicit"}}, "30m"),
    ]:
        part = {"type": "text", "text": "Hi"} | hint
        assert part_of(parse, part, "anthropic") == TextPart("Hi", cache=told)
    with pytest.raises(UnsupportedParameter):
        parse(content=[{"type": "text", "text": "Hi", "cache_control": {"type": "forever"}}])


def test_a_breakpoint_is_refused_where_nobody_has_words_for_it(parse):
    hint = {"prompt_cache_breakpoint": {"mode": "explicit"}}
    for kind in ("gemini", "mistral"):
        with pytest.raises(UnsupportedParameter) as refused:
            parse(kind, [{"type": "text", "text": "Hi"} | hint])
        assert refused.value.param == "messages[0].content[0].prompt_cache_breakpoint"
    for part in ({"type": "text", "text": "Hi"}, {"type": "refusal", "refusal": "Hi"}):
        before = {"role": "assistant", "content": [part | hint]}
        request = parse("openai", messages=[before])
        assert request.messages[0].parts == (TextPart("Hi", cache="30m"),)


def test_a_field_of_a_part_that_nobody_knows_is_refused_by_name(parse):
    with pytest.raises(UnsupportedParameter) as refused:
        parse(content=[{"type": "text", "text": "Hi", "mood": "glad"}])
    assert refused.value.param == "messages[0].content[0].mood"


def test_a_custom_tool_is_refused_by_name(parse):
    with pytest.raises(UnsupportedParameter) as refused:
        parse(tools=[{"type": "custom", "custom": {"name": "x"}}])
    assert refused.value.param == "tools[0].type"


def test_what_a_schema_is_about_goes_on_in_it(parse):
    described = {"name": "n", "description": "Numbers.", "schema": {"type": "object"}}
    request = parse(response_format={"type": "json_schema", "json_schema": described})
    assert request.response_format == ResponseFormat(
        "json_schema", "n", {"description": "Numbers.", "type": "object"}, strict=False
    )


def test_citations_of_an_earlier_answer_stay_with_it(settings):
    cited = {"url": "https://x", "title": "X", "start_index": 0, "end_index": 3}
    answer = {
        "role": "assistant",
        "content": "So.",
        "annotations": [{"type": "url_citation", "url_citation": cited}],
    }
    ask = DIALECT.read(orjson.dumps({"model": "auto", "messages": [answer]}))
    request = DIALECT.parse(ask, target_of("openai", settings))
    part = TextPart("So.", (Citation("answer", 0, 3, title="X", url="https://x"),))
    assert request.messages == (Message("assistant", (part,)),)


def test_the_newer_name_of_the_end_user_is_one_too(parse):
    request = parse("anthropic", safety_identifier="u1")
    assert request.user == "u1"
    ask = DIALECT.read(
        orjson.dumps({"model": "x", "messages": [{}], "safety_identifier": "u1", "user": "u0"})
    )
    assert ask.customer == "u1"


def test_mistral_gets_no_word_that_says_nothing(parse):
    request = parse("mistral", service_tier="auto", logprobs=False)
    assert (request.service_tier, request.logprobs) == (None, None)
    with pytest.raises(UnsupportedParameter) as refused:
        parse("mistral", verbosity="high")
    assert refused.value.param == "verbosity"


def test_a_tools_hint_stays_with_it(parse):
    tool = {"type": "function", "function": {"name": "f"}, "cache_control": {"type": "ephemeral"}}
    assert parse(tools=[tool]).tools == (
        ToolSpec("f", parameters={"type": "object", "properties": {}}, cache="5m"),
    )


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"frequency_penalty": 3}, "frequency_penalty"),
        ({"top_logprobs": 21}, "top_logprobs"),
        ({"logit_bias": {"a": "b"}}, "logit_bias"),
        ({"logit_bias": []}, "logit_bias"),
        ({"metadata": {"a": 1}}, "metadata"),
        ({"metadata": {str(n): "x" for n in range(17)}}, "metadata"),
        ({"verbosity": 1}, "verbosity"),
        ({"content": [{"type": "file"}]}, "messages[0].content[0].file"),
        (
            {"content": [{"type": "file", "file": {"file_data": "data:x"}}]},
            "messages[0].content[0].file.file_data",
        ),
        (
            {"content": [{"type": "input_audio", "input_audio": {"format": "flac"}}]},
            "messages[0].content[0].input_audio.format",
        ),
    ],
)
def test_a_field_of_the_wrong_kind_is_named(parse, fields, param):
    with pytest.raises(RequestInvalid) as refused:
        parse("openai", **fields)
    assert refused.value.param == param
