"""Searches by words: forms, phrases, beginnings, exclusions, and any text whatever."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.knowledge.passages.draft import Draft
from app.knowledge.passages.words import MOST_TERMS, Phrase, Term, read_words

RUNNING = "She was running through the old town."
TOWN = "The town council met on Monday evening."
BREAD = "Fresh bread, baked in the old oven."


def lexical(library, text, **more):
    return library.texts(text, mode="lexical", **more)


def test_words_phrases_beginnings_and_exclusions_are_read():
    words = read_words('red "big dog" ru* -cat -"blue sky" - * -- "')
    assert words.terms == (Term("red"), Term("big"), Term("dog"), Term("ru", prefix=True))
    assert words.phrases == (
        Phrase("big dog"),
        Phrase("cat", excluded=True),
        Phrase("blue sky", excluded=True),
    )


def test_of_a_long_text_the_longest_words_are_kept():
    words = read_words(" ".join(["a", "of", *(f"word{number:03}" for number in range(40))]))
    assert len(words.terms) == MOST_TERMS
    assert all(len(term.text) == 7 for term in words.terms)


async def test_words_are_found_in_other_forms(library):
    await library.put(RUNNING, TOWN, embed=False)
    assert await lexical(library, "run towns") == [RUNNING, TOWN]


async def test_what_has_the_rarer_word_comes_first(library):
    await library.put(*(f"Ordinary report number {number} of the day." for number in range(20)))
    await library.put("A report on volcanoes.", embed=False)
    found = await lexical(library, "report volcanoes", limit=3)
    assert found[0] == "A report on volcanoes."
    assert len(found) == 3


async def test_a_phrase_must_stand_as_it_is(library):
    await library.put(RUNNING, BREAD, TOWN, embed=False)
    assert await lexical(library, '"old town"') == [RUNNING]
    assert await lexical(library, '"town old"') == []


async def test_an_excluded_word_leaves_out(library):
    await library.put(RUNNING, BREAD, embed=False)
    assert await lexical(library, "old -bread") == [RUNNING]
    assert await lexical(library, 'old -"old oven"') == [RUNNING]
    assert await lexical(library, "-bread") == []


async def test_the_beginning_of_a_word_is_enough_with_a_star(library):
    await library.put(RUNNING, BREAD, embed=False)
    assert await lexical(library, "brea") == []
    assert await lexical(library, "brea*") == [BREAD]


async def test_each_passage_is_searched_in_its_own_language(library):
    await library.put(Draft("Die Häuser der Stadt sind alt.", language="de"), embed=False)
    await library.put(Draft("The houses in the city are old.", language="en"), embed=False)
    await library.put(Draft("Domy w mieście są stare.", language="pl"), embed=False)
    assert await lexical(library, "Haus") == ["Die Häuser der Stadt sind alt."]
    assert await lexical(library, "house") == ["The houses in the city are old."]
    assert await lexical(library, "domy") == ["Domy w mieście są stare."]


async def test_a_stop_word_of_one_language_does_not_rank_in_another(library):
    """`die` is in nearly every German text: there it says nothing."""
    for number in range(10):
        await library.put(Draft(f"Die Straße Nummer {number}.", language="de"), embed=False)
    await library.put(Draft("Plants die without water.", language="en"), embed=False)
    assert await lexical(library, "die Straße 4", limit=1) == ["Die Straße Nummer 4."]
    assert await lexical(library, "die", limit=1) == ["Plants die without water."]


TOKYO = "東京都は日本の首都である。自動車の契約書 2026 を見る。"
BEIJING = "北京是中国的首都。合同必须在三十天内签署。"
BANGKOK = "ไปธนาคารกัน"
SEOUL = "서울은 한국의 수도이다."


def test_a_word_without_spaces_is_read_as_pairs_of_letters():
    assert read_words("契約書 Python入門").terms == (
        Term("契約"),
        Term("約書"),
        Term("Python"),
        Term("入門"),
    )
    assert read_words("車").terms == (Term("車", prefix=True),)
    assert read_words('"契約書 2026" -合同').phrases == (
        Phrase("契約 約書 書  2026"),
        Phrase("合同", excluded=True),
    )


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("契約書", [TOKYO]),
        ("車", [TOKYO]),
        ('"契約書 2026"', [TOKYO]),
        ('"約契"', []),
        ("合同", [BEIJING]),
        ("首都 -合同", [TOKYO]),
        ("ธนาคาร", [BANGKOK]),
        ("수도", [SEOUL]),
        ("서울", [SEOUL]),
    ],
)
async def test_words_are_found_in_writing_without_spaces(library, asked, found):
    await library.put(
        Draft(TOKYO, language="ja"),
        Draft(BEIJING, language="zh"),
        Draft(BANGKOK, language="th"),
        Draft(SEOUL, language="ko"),
        embed=False,
    )
    assert await lexical(library, asked) == found


async def test_what_was_found_without_spaces_is_shown_where_it_stands(library):
    await library.put(Draft("\U0001f600 " + TOKYO, language="ja"), embed=False)
    [hit] = (await library.ask("自動車 契約書 2026", mode="lexical")).found
    text = hit.passage.text
    assert [text[each.start : each.end] for each in hit.fragment.ranges] == [
        "自動車",
        "契約書",
        "2026",
    ]


async def test_titles_and_headings_are_found(library):
    await library.put(Draft("Nothing here.", title="Opening hours", language="en"), embed=False)
    below = Draft("Nor here.", heading="Prices \u203a Children", language="en")
    await library.put(below, embed=False)
    assert await lexical(library, "hours") == ["Nothing here."]
    assert await lexical(library, "price") == ["Nor here."]


async def test_a_workspace_without_passages_finds_nothing(library):
    assert await lexical(library, "anything") == []


NASTY = st.text(
    alphabet=st.one_of(
        st.sampled_from("'\"\\|&!():*<->-\u2013 \t\n%_$;"),
        st.characters(exclude_characters="\x00", exclude_categories=("Cs",)),
    ),
    min_size=1,
    max_size=200,
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(text=NASTY)
async def test_no_text_is_an_error(library, text):
    await lexical(library, text)


@pytest.mark.parametrize(
    "text",
    ["' | 'a", "a:*ABCD", "!!", "<->", "a & | b", "\\", "'\\'", "(((", "a' ) || true --", ":*",
     "-*", '"a', "a\u0301\u202e", "x" * 2000, "-" * 2000, '"' * 2000, "* " * 900],
)  # fmt: skip
async def test_no_operator_of_postgres_gets_through(library, text):
    await library.put("a plain text", embed=False)
    await lexical(library, text)
