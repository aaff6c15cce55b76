"""Streams of canonical events as providers give them, for hypothesis."""

from hypothesis import strategies as st

from app.inference.providers.types import (
    Citation,
    CitationDelta,
    Finished,
    ReasoningDelta,
    TextDelta,
    TokenLogprob,
    ToolCallDelta,
    ToolCallStart,
    Usage,
    UsageReport,
)

words = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=9
)
logprobs = st.lists(
    st.builds(
        TokenLogprob,
        words,
        st.floats(-9, 0),
        st.lists(st.tuples(words, st.floats(-9, 0)), max_size=2).map(tuple),
    ),
    max_size=2,
).map(tuple)
texts = st.builds(TextDelta, words, st.just(()) | logprobs)
reasonings = st.builds(ReasoningDelta, words, st.none() | st.just("signed")) | st.just(
    ReasoningDelta("", None, "redacted")
)
citations = st.builds(
    CitationDelta,
    st.builds(Citation, st.just("answer"), st.integers(0, 9), st.integers(9, 20), url=words)
    | st.builds(
        Citation,
        st.sampled_from(["character", "page", "block"]),
        st.integers(0, 9),
        st.integers(9, 20),
        quote=words,
        title=words,
        url=st.none() | words,
        document=st.integers(0, 3),
    ),
)


@st.composite
def streams(draw: st.DrawFn) -> list:
    """A whole stream: reasoning, text and citations in any order, then calls, then its end."""
    events = draw(st.lists(texts | reasonings | citations, max_size=8))
    calls = draw(st.integers(0, 2))
    for index in range(calls):
        events.append(ToolCallStart(index, f"call_{index}", "get_weather", draw(st.none() | words)))
    for _ in range(draw(st.integers(0, 3)) if calls else 0):
        events.append(ToolCallDelta(draw(st.integers(0, calls - 1)), draw(words)))
    reason = draw(st.sampled_from(["stop", "length", "content_filter", "refusal"]))
    usage = Usage(*(draw(st.integers(0, 99)) for _ in range(5)))
    return [*events, UsageReport(usage), Finished("tool_calls" if calls else reason, "m", "r")]
