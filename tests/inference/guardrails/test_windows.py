"""A stream is checked as a whole text is, wherever it is cut, and little of it waits."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.inference.guardrails.errors import GuardrailRefused
from app.inference.guardrails.placeholders import Placeholders
from app.inference.guardrails.screen import Screen
from app.inference.guardrails.window import Window
from tests.inference.guardrails.policies import guard_of, heard, policy_of
from tests.inference.guardrails.test_placeholders import cut

KEY = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIIrYSSNQFaA2Hwf1duRS\n-----END EC PRIVATE KEY-----"
CHECKS = (
    {"kind": "secrets", "action": "mask", "stage": "output"},
    {"kind": "personal_data", "action": "mask", "stage": "output"},
    {"kind": "regex", "pattern": "INV-[0-9]{4,8}", "action": "replace", "replacement": "INV-…",
     "stage": "output", "reach": 12},
)  # fmt: skip
pieces = st.sampled_from(
    [
        "Hello, ", "write to ann@example.com ", "(or bob.jones@mail.example.org). ", "call ",
        "+44 20 7946 0958 ", "now.\n", "card 4111 1111 1111 1111, ", "IBAN DE89370400440532013000 ",
        "key sk-proj-" + "aB3" * 12 + " ", KEY, " password = hunter2hunter9X ", "INV-12345 ",
        "日本語のテキスト", "[1] ", "x" * 40, " ", "12 345 ",
    ]
)  # fmt: skip


def window_of(*checks: dict[str, object], is_json: bool = False) -> Window:
    screen = Screen([policy_of(*checks)], "output", lambda _: None)
    return Window(screen, Placeholders(), is_json=is_json)


@settings(max_examples=150, deadline=None)
@given(st.lists(pieces, max_size=12), st.lists(st.integers(0, 900), max_size=40))
def test_a_stream_is_masked_as_the_whole_text_is(texts, places):
    text = "".join(texts)
    screen = Screen([policy_of(*CHECKS)], "output", lambda _: None)
    whole = screen.mask(text, Placeholders())
    window = window_of(*CHECKS)
    got = "".join(window.feed(piece) for piece in cut(text, places)) + window.end()
    assert got == whole


@settings(max_examples=50, deadline=None)
@given(st.lists(pieces, max_size=8))
def test_no_secret_ever_leaves_a_window_fed_by_single_characters(texts):
    window = window_of(*CHECKS)
    text = "".join(texts)
    got = "".join(window.feed(c) for c in text) + window.end()
    for secret in ("ann@example.com", "sk-proj-", "MHcCAQEE", "hunter2", "4111 1111"):
        assert secret not in got


def test_prose_hardly_waits():
    window = window_of(*CHECKS)
    left = 0
    text = "The quick brown fox jumps over the lazy dog, and so on and on. " * 20
    for at, c in enumerate(text, 1):
        left += len(window.feed(c))
        assert at - left <= 24


def test_a_text_without_any_space_is_held_for_a_bounded_length_only():
    window = window_of({"kind": "secrets", "stage": "output"})
    left = sum(len(window.feed("ab+/" * 10)) for _ in range(200))
    assert 8000 - left <= 600


def test_a_refused_stream_ends_before_the_match_leaves():
    window = window_of({"kind": "regex", "pattern": "zebra", "action": "refuse", "reach": 10})
    left = window.feed("There is a ze")
    with pytest.raises(GuardrailRefused) as refused:
        window.feed("bra in the garden, as everybody knows")
    assert "zeb" not in left
    assert "zebra" not in refused.value.detail
    assert refused.value.check == "regex"


async def test_arguments_of_a_tool_call_stay_json_when_a_number_is_masked():
    guard = guard_of({"kind": "personal_data", "action": "mask", "stage": "output"})
    document = '{"card": 4111111111111111, "to": "ann@example.com", "n": 3}'
    for places in ([], list(range(0, 80, 3)), list(range(80))):
        got = await heard(guard, cut(document, places), arguments=True)
        assert json.loads(got) == {"card": "[CREDIT_CARD_1]", "to": "[EMAIL_1]", "n": 3}
