"""Values out of the request and back into the answer, wherever the answer is cut."""

import json
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from app.inference.guardrails.placeholders import Placeholders, Restorer

values = st.text(min_size=1, max_size=20)
labels = st.sampled_from(["EMAIL", "PHONE", "AWS_ACCESS_KEY", "IP_ADDRESS_V6"])


def cut(text: str, places: list[int]) -> list[str]:
    edges = [0, *sorted(place % (len(text) + 1) for place in places), len(text)]
    return [text[a:b] for a, b in pairwise(edges)]


@given(
    masked=st.lists(st.tuples(values, labels), min_size=1, max_size=6),
    between=st.lists(st.text(alphabet="ab [1]_EMAIL", max_size=8), min_size=7, max_size=7),
    places=st.lists(st.integers(0, 400), max_size=12),
)
def test_values_come_back_wherever_the_stream_is_cut(masked, between, places):
    placeholders = Placeholders()
    for text in between:
        placeholders.spare(text)
    tokens = [placeholders.token(v, label, restored=True) for v, label in masked]
    answer = between[0] + "".join(t + b for t, b in zip(tokens, between[1:], strict=False))
    restorer = Restorer(placeholders)
    got = "".join(restorer.feed(piece) for piece in cut(answer, places)) + restorer.end()
    assert got == placeholders.restore(answer)


@given(value=values, places=st.lists(st.integers(0, 60), max_size=6))
def test_a_value_in_a_json_string_is_escaped(value, places):
    placeholders = Placeholders()
    token = placeholders.token(value, "SECRET", restored=True)
    restorer = Restorer(placeholders, escaped=True)
    document = json.dumps({"to": token})
    got = "".join(restorer.feed(piece) for piece in cut(document, places)) + restorer.end()
    assert json.loads(got) == {"to": value}


def test_one_value_has_one_placeholder_and_another_one_the_next_number():
    placeholders = Placeholders()
    first = placeholders.token("a@b.de", "EMAIL", restored=True)
    assert first == "[EMAIL_1]"
    assert placeholders.token("a@b.de", "EMAIL", restored=True) == first
    assert placeholders.token("c@d.de", "EMAIL", restored=True) == "[EMAIL_2]"


def test_a_placeholder_that_the_client_wrote_itself_is_never_given_out():
    placeholders = Placeholders()
    placeholders.spare("what does [EMAIL_1] mean?")
    assert placeholders.token("a@b.de", "EMAIL", restored=True) == "[EMAIL_2]"
    assert placeholders.restore("[EMAIL_1] and [EMAIL_2]") == "[EMAIL_1] and a@b.de"


def test_what_was_masked_in_the_answer_is_never_put_back():
    placeholders = Placeholders()
    token = placeholders.token("a@b.de", "EMAIL", restored=False)
    assert placeholders.restore(token) == token


def test_nothing_waits_that_no_placeholder_begins_with():
    placeholders = Placeholders()
    placeholders.token("a@b.de", "EMAIL", restored=True)
    restorer = Restorer(placeholders)
    assert restorer.feed("see [1] and [link") == "see [1] and [link"
    assert restorer.feed(" [EMAI") == " "
    assert restorer.feed("NENT]") == "[EMAINENT]"
