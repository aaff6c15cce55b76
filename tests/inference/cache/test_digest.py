"""What makes two requests the same."""

from hypothesis import given
from hypothesis import strategies as st

from app.inference.cache.digest import canonical, digest, question_of, temperature_of

ASK = {
    "model": "m",
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "What is the capital of France?"},
    ],
}


@given(
    st.dictionaries(
        st.sampled_from(["user", "stream", "metadata", "store", "stream_options"]),
        st.integers() | st.text(),
    )
)
def test_who_asks_and_how_the_answer_comes_changes_nothing(volatile):
    assert digest(canonical({**ASK, **volatile})) == digest(canonical(ASK))


@given(st.permutations(list(ASK)))
def test_the_order_of_fields_changes_nothing(names):
    assert digest(canonical({name: ASK[name] for name in names})) == digest(canonical(ASK))


def test_everything_else_makes_another_request():
    others = (
        {"temperature": 0.1}, {"max_tokens": 5}, {"seed": 1}, {"tools": []}, {"model": "n"},
        {"something_new": True}, {"messages": ASK["messages"][1:]},
    )  # fmt: skip
    digests = {digest(canonical({**ASK, **other})) for other in others}
    assert len(digests | {digest(canonical(ASK))}) == len(others) + 1


def test_the_question_is_the_last_words_of_the_user_in_every_dialect():
    text = "What is the capital of France?"
    for document in (
        ASK,
        {"messages": [{"role": "user", "content": [{"type": "text", "text": text}]}]},
        {"contents": [{"role": "user", "parts": [{"text": text}]}]},
        {"input": text},
        {"input": [{"role": "user", "content": [{"type": "input_text", "text": text}]}]},
    ):
        found = question_of(document)
        assert found is not None
        assert found.text == text


def test_the_context_is_everything_but_the_question():
    other = {**ASK, "messages": [ASK["messages"][0], {"role": "user", "content": "And of Spain?"}]}
    assert question_of(ASK).context == question_of(other).context
    for changed in (
        {**ASK, "temperature": 1},
        {**ASK, "messages": [{"role": "system", "content": "Be long."}, ASK["messages"][1]]},
        {**ASK, "tools": [{"type": "function"}]},
    ):
        assert question_of(ASK).context != question_of(changed).context


def test_what_is_not_words_of_a_user_is_no_question():
    image = {"type": "image_url", "image_url": {"url": "https://x/y.png"}}
    for last in (
        {"role": "tool", "content": "42", "tool_call_id": "c"},
        {"role": "assistant", "content": "Hello"},
        {"role": "user", "content": [{"type": "text", "text": "What is this?"}, image]},
        {"role": "user", "content": ""},
        "nonsense",
    ):
        assert question_of({"messages": [last]}) is None


def test_the_temperature_is_read_in_every_dialect():
    assert temperature_of({"temperature": 0}) == 0
    assert temperature_of({"generationConfig": {"temperature": 0.5}}) == 0.5
    assert temperature_of({}) is None
