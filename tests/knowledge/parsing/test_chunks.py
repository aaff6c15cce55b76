"""Chunks: nothing is lost, nothing is too long, and offsets are true."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.knowledge.parsing.chunks import ChunkRules, chunk
from app.knowledge.parsing.document import Parsed
from app.knowledge.parsing.limits import ParseLimits
from app.knowledge.parsing.tokens import tokens
from app.knowledge.parsing.writing import Writer

WORDS = st.text(
    st.one_of(
        st.sampled_from("abc deEfg hij. K! l? 12,3 äö\n\t\"'"),
        st.characters(blacklist_categories=("Cs",)),
    ),
    max_size=120,
)
BLOCKS = st.one_of(
    st.tuples(st.just("heading"), WORDS, st.integers(1, 6)),
    st.tuples(st.just("paragraph"), st.lists(WORDS, max_size=12).map(". ".join)),
    st.tuples(st.just("item"), WORDS, st.integers(1, 3)),
    st.tuples(
        st.just("code"), st.lists(WORDS, max_size=12).map("\n".join), st.sampled_from(("", "f"))
    ),
    st.tuples(
        st.just("table"),
        st.lists(st.lists(WORDS.map(lambda t: t[:30]), min_size=1, max_size=3), max_size=12),
    ),
    st.tuples(st.just("turn")),
)
RULES = st.builds(ChunkRules, tokens=st.integers(20, 120), overlap=st.integers(0, 10))


def written(blocks: list[tuple], media_type: str = "application/pdf") -> Parsed:
    writer, page = Writer(ParseLimits()), 1
    writer.turn(1)
    for name, *arguments in blocks:
        if name == "turn":
            page += 1
            writer.turn(page)
        else:
            getattr(writer, name)(*arguments)
    return Parsed(writer.text, tuple(writer.blocks), media_type)


@given(st.lists(BLOCKS, max_size=14), RULES, st.sampled_from(("application/pdf", "text/html")))
@settings(max_examples=60, deadline=None)
def test_chunks_hold_the_whole_text_in_order_within_bounds_at_true_offsets(
    blocks: list[tuple], rules: ChunkRules, media_type: str
) -> None:
    parsed = written(blocks, media_type)
    chunks = chunk(parsed, rules)
    covered = [False] * len(parsed.text)
    for each in chunks:
        assert 0 <= each.start < each.end <= len(parsed.text)
        assert each.text.endswith(parsed.text[each.start : each.end])
        header = each.text[: len(each.text) - (each.end - each.start)]
        assert not header or (header.endswith(" |\n") and header.strip() in parsed.text)
        assert tokens(each.text) <= rules.tokens
        covered[each.start : each.end] = [True] * (each.end - each.start)
    assert all(seen or letter.isspace() for seen, letter in zip(covered, parsed.text, strict=True))
    starts = [(each.start, each.end) for each in chunks]
    assert starts == sorted(starts)
    assert len(set(starts)) == len(starts)
    assert chunk(parsed, rules) == chunks


def sentence(number: int) -> str:
    return f"Sentence number {number} says that z. B. Dr. Who has 3.5 apples."


def test_headings_are_kept_and_top_sections_never_share_a_chunk() -> None:
    parsed = written(
        [
            ("heading", "Manual", 1),
            ("heading", "First", 2),
            ("paragraph", "One thing."),
            ("heading", "Detail", 3),
            ("paragraph", "A small thing."),
            ("heading", "Second", 2),
            ("paragraph", "Another thing."),
        ]
    )
    chunks = chunk(parsed)
    assert [each.heading for each in chunks] == ["Manual › First", "Manual › Second"]  # noqa: RUF001
    assert chunks[0].text == "Manual\n\nFirst\n\nOne thing.\n\nDetail\n\nA small thing."


def test_sentences_are_whole_and_the_last_ones_come_again_in_the_next_chunk() -> None:
    text = " ".join(sentence(number) for number in range(40))
    chunks = chunk(written([("paragraph", text)]), ChunkRules(tokens=100, overlap=40))
    assert len(chunks) > 5
    for each in chunks:
        assert each.text.startswith("Sentence number")
        assert each.text.endswith("apples.")
    for before, after in pairwise(chunks):
        assert before.start < after.start < before.end < after.end
    without = chunk(written([("paragraph", text)]), ChunkRules(tokens=100, overlap=0))
    assert all(a.end <= b.start for a, b in pairwise(without))


def test_a_long_table_is_parted_between_rows_under_its_header_each_time() -> None:
    rows = [["Name", "Sum"], *([f"person {n}", str(n)] for n in range(60))]
    parsed = written([("paragraph", "Before."), ("table", rows), ("paragraph", "After.")])
    chunks = chunk(parsed, ChunkRules(tokens=80, overlap=10))
    inside = [each for each in chunks if "person" in each.text]
    assert len(inside) > 5
    for each in inside:
        assert "| Name | Sum |\n| --- | --- |\n| person" in each.text
        assert each.text.count("Name") == 1
    assert inside[1].text.split("\n", 2)[2] == parsed.text[inside[1].start : inside[1].end]


def test_definitions_are_told_in_the_heading_and_slides_never_share_a_chunk() -> None:
    code = [("code", "import os"), ("code", "def f():\n" + "    call()\n" * 30, "def f")]
    chunks = chunk(written(code), ChunkRules(tokens=60, overlap=0))
    assert chunks[-1].heading == "def f"
    parsed = written([("paragraph", "one"), ("turn",), ("paragraph", "two")], "text/html")
    assert [(each.text, each.page) for each in chunk(parsed)] == [("one", 1), ("two", 2)]
    flowing = written([("paragraph", "one"), ("turn",), ("paragraph", "two")])
    assert [(each.text, each.page) for each in chunk(flowing)] == [("one\n\ntwo", 1)]


def test_a_word_longer_than_a_chunk_is_cut() -> None:
    parsed = written([("paragraph", "x" * 5000)])
    chunks = chunk(parsed, ChunkRules(tokens=50, overlap=0))
    assert "".join(each.text for each in chunks) == "x" * 5000


def test_rules_have_bounds() -> None:
    for wrong in ((8, 0), (100, 60), (9000, 0)):
        with pytest.raises(ValueError, match="tokens"):
            ChunkRules(*wrong)
