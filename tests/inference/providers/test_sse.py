import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.inference.providers.sse import EventTooLarge, SseReader

STREAM = (
    "\ufeff: a comment\n\n"
    'data: {"a": "wörld 🌍"}\n\n'
    "event: named\ndata: one\ndata:two\n\n"
    "data\n\n"
    "id: 1\nretry: 5\n\n"
    "\ndata: x: y\n\n\n"
    "data: last"
).encode()
EVENTS = ['{"a": "wörld 🌍"}'.encode(), b"one\ntwo", b"", b"x: y", b"last"]
ENDINGS = {"lf": b"\n", "crlf": b"\r\n", "cr": b"\r"}


def read(chunks: list[bytes]) -> list[bytes]:
    reader = SseReader()
    found = [event for chunk in chunks for event in reader.feed(chunk)]
    return found + reader.end()


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
def test_the_events_are_the_same_for_every_cut(ending):
    stream = STREAM.replace(b"\n", ending)
    for at in range(len(stream) + 1):
        assert read([stream[:at], stream[at:]]) == EVENTS


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
def test_the_events_are_the_same_byte_by_byte(ending):
    stream = STREAM.replace(b"\n", ending)
    assert read([stream[i : i + 1] for i in range(len(stream))]) == EVENTS


@given(st.lists(st.binary(max_size=40)), st.sampled_from(list(ENDINGS.values())))
def test_any_payload_without_newlines_comes_through(payloads, ending):
    clean = [p.replace(b"\r", b"").replace(b"\n", b"") for p in payloads]
    stream = b"".join(b"data: " + p + ending * 2 for p in clean)
    middle = len(stream) // 2
    assert read([stream[:middle], stream[middle:]]) == clean


def test_an_event_is_given_as_soon_as_its_blank_line_is_there():
    reader = SseReader()
    assert reader.feed(b"data: a\r\n\r") == [b"a"]
    assert reader.feed(b"\ndata: b\n\n") == [b"b"]


def test_an_event_without_end_is_refused_at_its_limit():
    reader = SseReader(limit=100)
    for _ in range(10):
        reader.feed(b"0123456789")
    with pytest.raises(EventTooLarge):
        reader.feed(b"0")
