"""Canonical requests that every vendor's dialect has words for, for hypothesis."""

import orjson
from hypothesis import strategies as st

from app.inference.providers.types import (
    ChatRequest,
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

words = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=9
)
bytes_of = st.binary(min_size=1, max_size=20)
hints = st.sampled_from([None, "5m", "1h"])
objects = st.dictionaries(
    words, st.integers(-99, 99) | words | st.booleans() | st.none(), max_size=3
)
schemas = st.just({"type": "object", "properties": {"city": {"type": ["string", "null"]}}})
texts = st.builds(TextPart, words, cache=hints)
images = st.builds(ImagePart, st.sampled_from(["image/png", "image/webp"]), bytes_of, cache=hints)
images |= st.just(ImagePart("image/png", url="https://example.com/a.png"))
files = st.builds(FilePart, st.just("application/pdf"), bytes_of, cache=hints)
files |= st.just(FilePart("application/pdf", url="https://example.com/a.pdf"))


@st.composite
def turns(draw: st.DrawFn, dialect: str, number: int) -> list[Message]:
    """What the user says, what the model answers, and what its tools give."""
    asked = tuple(draw(st.lists(texts | images | files, min_size=1, max_size=3)))
    said: list = list(draw(st.lists(texts, max_size=2)))
    if draw(st.booleans()):
        said.insert(0, ReasoningPart(draw(words), "c2lnbmVk", None, dialect))
    calls = [
        ToolCallPart(f"call_{number}_{at}", "get_weather", orjson.dumps(draw(objects)).decode())
        for at in range(draw(st.integers(0, 2)))
    ]
    results = [
        Message(
            "tool",
            (
                ToolResultPart(
                    call.id,
                    call.name,
                    draw(words),
                    draw(st.booleans()),
                    tuple(draw(st.lists(images, max_size=1))),
                ),
            ),
        )
        for call in calls
    ]
    answer = [Message("assistant", (*said, *calls))] if said or calls else []
    return [Message("user", asked), *answer, *results]


@st.composite
def requests(draw: st.DrawFn, dialect: str, model: str) -> ChatRequest:
    """Requests for one dialect's own model; fields that not all have are left out."""
    system = [Message("system", tuple(draw(st.lists(texts, min_size=1, max_size=2))))]
    messages = system if draw(st.booleans()) else []
    for number in range(draw(st.integers(1, 3))):
        messages = [*messages, *draw(turns(dialect, number))]
    tools = (
        ToolSpec("get_weather", draw(words), draw(schemas)),
        ToolSpec("get_time", "", draw(schemas)),
    )
    choices = st.sampled_from([None, "auto", "none", "required", NamedTool("get_weather")])
    asks_for_tools = draw(st.booleans())
    formats = st.none() | st.builds(ResponseFormat, st.just("json_schema"), schema=schemas)
    return ChatRequest(
        model=model,
        messages=(*messages, Message("user", (TextPart("Go on."),))),
        tools=tools if asks_for_tools else (),
        tool_choice=draw(choices) if asks_for_tools else None,
        response_format=draw(formats),
        temperature=draw(st.none() | st.floats(0, 1)),
        top_p=draw(st.none() | st.floats(0, 1)),
        top_k=draw(st.none() | st.integers(1, 99)),
        max_output_tokens=draw(st.integers(40_000, 60_000)),
        stop=tuple(draw(st.lists(words, max_size=2))),
        reasoning_effort=draw(st.sampled_from([None, "none", "low", "medium", "high"])),
        reasoning_budget=draw(st.sampled_from([None, -1, 0, 2000])),
        shows_reasoning=draw(st.sampled_from([None, True])),
    )
