"""Searches by words in other spellings: without accents, in capitals, beside marks."""

import pytest
from sqlalchemy import text

from app.core.db import SYSTEM
from app.knowledge.parsing.letters import unaccented
from app.knowledge.passages.draft import Draft
from app.knowledge.passages.words import Term, read_words
from tests.knowledge.search.test_words import lexical

BILL = Draft("La qualité de l’électricité est réglée par « l’État » à Łódź.", language="fr")  # noqa: RUF001
CAPITALS = Draft("FACTURE D'ELECTRICITE IMPAYEE", language="fr")
QUOTED = "“Frogs” and ‘toads’ eat… flies—gladly •bugs"  # noqa: RUF001
LETTERS = text("select luminous_unaccented(:said)")


@pytest.mark.parametrize(
    "asked",
    ["electricite", "électricité", "ÉLECTRICITÉ", "l’électricité", "l'electricite", "electr*"],  # noqa: RUF001
)
async def test_accents_and_apostrophes_are_no_part_of_a_word(library, asked):
    await library.put(BILL, Draft("Le gaz est cher.", language="fr"), embed=False)
    await library.put(CAPITALS, embed=False)
    assert set(await lexical(library, asked)) == {BILL.text, CAPITALS.text}


async def test_a_word_is_found_in_its_forms_with_and_without_accents(library):
    await library.put(Draft("Les employées ont mangé.", language="fr"), embed=False)
    for asked in ("employé", "employées", "employees", "manger", "mange"):
        assert await lexical(library, asked) == ["Les employées ont mangé."], asked


async def test_letters_with_strokes_are_found_by_plain_ones(library):
    await library.put(BILL, embed=False)
    assert await lexical(library, "lodz") == [BILL.text]


async def test_a_phrase_may_be_written_without_accents(library):
    await library.put(BILL, embed=False)
    assert await lexical(library, '"qualite de l\'electricite"') == [BILL.text]
    assert await lexical(library, "„électricité est réglée“") == [BILL.text]
    assert await lexical(library, '"electricite qualite"') == []
    assert await lexical(library, "qualite -electricite") == []


async def test_a_word_that_is_passed_over_is_not_found_without_its_accent(library):
    """`für` is in nearly every German text: to look for fur is to look for something else."""
    await library.put(Draft("Ein Fahrplan für Züge.", language="de"), embed=False)
    await library.put(Draft("A coat of fur.", language="en"), embed=False)
    assert await lexical(library, "fur") == ["A coat of fur."]


async def test_writing_whose_marks_are_letters_keeps_them(library):
    await library.put(Draft("мой кот пойман", language="ru"), Draft("हिन्दी भाषा"), embed=False)
    assert await lexical(library, "поимка") == []
    assert await lexical(library, "हनद") == []
    assert await lexical(library, "हिन्दी") == ["हिन्दी भाषा"]


@pytest.mark.parametrize("asked", ["frogs", "toads", "eats", "fly", "gladly", "bug", '"frogs and"'])
async def test_marks_that_are_not_ascii_part_words(library, asked):
    await library.put(QUOTED, embed=False)
    assert await lexical(library, asked) == [QUOTED]


async def test_what_was_found_is_shown_where_it_stands(library):
    await library.put(BILL, embed=False)
    fragment = (await library.ask("electricite etat lodz", mode="lexical")).found[0].fragment
    marked = [BILL.text[each.start : each.end] for each in fragment.ranges]
    assert marked == ["électricité", "État", "Łódź"]


async def test_postgres_and_python_take_the_same_accents_away(app):
    latin = [*range(0xA0, 0x250), *range(0x1E00, 0x1F00), *range(0x400, 0x460)]
    said = "".join(map(chr, latin)) + "x̂ 한국 が й ё Å"
    async with app.state.kernel.database.unit(SYSTEM) as session:
        assert await session.scalar(LETTERS, {"said": said}) == unaccented(said)
    assert unaccented("Příliš žluťoučký Ørsted Đắk Lắk") == "Prilis zlutoucky Orsted Dak Lak"


def test_quotation_marks_of_other_languages_make_a_phrase():
    words = read_words("“big dog” «chien» „der Hund“")
    assert [each.text for each in words.phrases] == ["big dog", "chien", "der Hund"]
    assert words.terms[2:3] == (Term("chien"),)
