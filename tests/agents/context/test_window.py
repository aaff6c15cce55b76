"""What of a conversation fits into a window, and what always stays."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from app.agents.context.window import fit
from app.inference.providers.types import Message, TextPart, ToolCallPart, ToolResultPart
from app.inference.usage.service import estimate_input


def _user(text):
    return Message("user", (TextPart(text),))


def _said(text):
    return Message("assistant", (TextPart(text),))


def _step(number, size):
    call = ToolCallPart(f"c{number}", "look", "{}")
    result = ToolResultPart(f"c{number}", "look", "r" * size)
    return [Message("assistant", (call,)), Message("tool", (result,))]


def test_what_fits_is_left_as_it_is():
    messages = [_user("a"), _said("b"), _user("c")]
    assert fit(messages, 1000).messages == tuple(messages)


def test_the_oldest_go_first_and_a_user_begins():
    messages = [_user("x" * 400), _said("y" * 400), _user("z" * 400), _said("w" * 400), _user("q")]
    fitted = fit(messages, 230)
    assert fitted.messages == tuple(messages[2:])
    assert fitted.left_out == 2


def test_old_results_are_shortened_before_anything_goes():
    messages = [_user("do it"), *_step(1, 8000), *_step(2, 8000), *_step(3, 8000)]
    fitted = fit(messages, 4500)
    assert (fitted.shortened, fitted.left_out) == (1, 0)
    first = fitted.messages[2].parts[0]
    assert len(first.content) < 600
    assert fitted.messages[-1] == messages[-1]


def test_calls_stay_with_their_results_and_the_question_stays():
    messages = [_user("do it"), *[m for n in range(20) for m in _step(n, 8000)]]
    fitted = fit(messages, 6000)
    assert fitted.messages[0] == messages[0]
    roles = [each.role for each in fitted.messages[1:]]
    assert roles == ["assistant", "tool"] * (len(roles) // 2)
    assert fitted.messages[-2:] == tuple(messages[-2:])


_MESSAGES = st.lists(
    st.one_of(
        st.integers(1, 3000).map(lambda n: [_user("u" * n)]),
        st.integers(1, 3000).map(lambda n: [_said("a" * n)]),
        st.tuples(st.integers(0, 99), st.integers(1, 6000)).map(lambda t: _step(*t)),
    ),
    min_size=1,
    max_size=12,
).map(lambda groups: [message for group in groups for message in group])


@given(_MESSAGES, st.integers(0, 5000))
def test_it_is_well_formed_whatever_is_left_out(messages, room):
    fitted = fit([_user("first"), *messages], room)
    kept = fitted.messages
    assert kept[0].role in ("user", "assistant")
    for before, after in pairwise(kept):
        if after.role == "tool":
            assert before.role in ("assistant", "tool")
    asked = [each for each in (_user("first"), *messages) if each.role == "user"][-1]
    assert asked in kept
    assert fitted.tokens == estimate_input(kept)
