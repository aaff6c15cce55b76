import time
from uuid import UUID, uuid4

from hypothesis import given, settings
from hypothesis import strategies as st

from app.knowledge.detection.compiled import compile_terms
from app.knowledge.detection.violations import Scanner
from app.knowledge.dictionary.store import TermRow

SIGN_IN, TRUNK, PHONE = UUID(int=1), UUID(int=2), UUID(int=3)
BOOK = UUID(int=9)


def row(entry_id, text, status="preferred", language="en", dictionary_id=BOOK):
    return TermRow(uuid4(), entry_id, dictionary_id, language, text, status, None, "approved")


ROWS = [
    row(SIGN_IN, "sign-in"),
    row(SIGN_IN, "authentication", "admitted"),
    row(SIGN_IN, "login", "forbidden"),
    row(SIGN_IN, "log in procedure", "forbidden"),
    row(TRUNK, "login page"),
    row(PHONE, "Handy", "preferred", "de"),
    row(PHONE, "mobile phone", "preferred"),
    row(PHONE, "handy", "forbidden"),
    row(PHONE, "Mobiltelefon", "forbidden", "de"),
    row(PHONE, "漢字", "forbidden", "ja"),
]
COMPILED = compile_terms("1", ROWS)


def scan(*deltas, compiled=COMPILED, **more):
    scanner = Scanner(compiled, **more)
    found = [violation for delta in deltas for violation in scanner.feed(delta)]
    return found + scanner.finish()


def test_a_forbidden_term_is_told_with_its_place_and_what_to_use():
    text = "🔑 Use your Logins here."
    [found] = scan(text)
    assert (found.start, found.end, found.surface) == (11, 17, "Logins")
    assert text[found.start : found.end] == "Logins"
    assert (found.term, found.language, found.entry_id) == ("login", "en", SIGN_IN)
    assert found.preferred == ("sign-in", "authentication")
    assert found.other_entry_ids == ()


def test_a_forbidden_word_within_a_longer_allowed_term_is_no_violation():
    assert scan("The login page and the login.")[0].start == 23
    assert len(scan("The login ", "page and the lo", "gin.")) == 1


def test_what_to_use_is_of_the_same_language_or_else_of_any():
    [found] = scan("ein Mobiltelefon", languages=["de"])
    assert found.preferred == ("Handy",)
    [found] = scan("漢字")
    assert found.preferred == ("Handy", "mobile phone")


def test_a_word_that_is_allowed_in_another_language_says_so():
    [found] = scan("a handy")
    assert found.other_entry_ids == (PHONE,)
    [found] = scan("a handy", languages=["en"])
    assert found.other_entry_ids == ()


def test_only_flagged_dictionaries_are_told_and_all_take_part():
    other = UUID(int=8)
    compiled = compile_terms("1", [*ROWS, row(uuid4(), "logout", "forbidden", dictionary_id=other)])
    text = "login, logout, login page"
    assert [each.surface for each in scan(text, compiled=compiled, dictionary_ids={other})] == [
        "logout"
    ]


def test_it_is_told_as_soon_as_it_is_certain():
    scanner = Scanner(COMPILED)
    assert scanner.feed("Use your login") == []
    assert scanner.feed(" ") == []  # it could be a login page
    [found] = scanner.feed("now,")
    assert found.surface == "login"
    assert scanner.feed(" or never") + scanner.finish() == []


@given(
    st.lists(
        st.sampled_from(
            [
                "login",
                "Log",
                "in",
                " ",
                "page",
                "procedure",
                "handy",
                "漢",
                "字",
                "s",
                "-",
                ".",
                "\n",
                "🔑",
                "é",
            ]
        ),
        max_size=40,
    ).map("".join),
    st.data(),
)
@settings(max_examples=100, deadline=None)
def test_any_split_of_a_text_gives_the_same_violations(text, data):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=len(text))))
    deltas = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    whole = scan(text)
    assert scan(*deltas) == whole
    for found in whole:
        assert text[found.start : found.end] == found.surface


def test_a_long_answer_takes_time_by_its_length_alone():
    def seconds(length):
        scanner, began = Scanner(COMPILED), time.process_time()
        for _ in range(length):
            scanner.feed("word log ")
        scanner.finish()
        return time.process_time() - began

    seconds(100)
    short = min(seconds(500) for _ in range(3))
    assert seconds(5_000) < short * 10 * 4


def test_what_is_kept_of_an_answer_is_bounded():
    scanner = Scanner(COMPILED)
    for _ in range(3_000):
        scanner.feed("log in procedural texts and more of them, " + "x" * 300)
        assert len(scanner._text._text) < 2_000
