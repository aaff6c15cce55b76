"""What reads alike is kept as it is looked up: one way to write each word."""

from app.knowledge.passages.words import Term, read_words
from tests.knowledge.parsing.conftest import Parse, told

WRITTEN = "Liefer\u00adbedingungen der Gro\u0308ße nach, o\ufb03ce \ufb01rst, e\u2011mail"
READ = "Lieferbedingungen der Größe nach, office first, e-mail"


async def test_soft_hyphens_ligatures_and_parted_accents_are_not_kept(parse: Parse) -> None:
    markup = f"<title>{WRITTEN}</title><h1>{WRITTEN}</h1><p>{WRITTEN}</p><ul><li>{WRITTEN}</ul>"
    page = await parse(markup.encode(), "x.html")
    assert page.title == READ
    assert [text for _, _, text in told(page)] == [READ] * 3
    assert page.of(page.blocks[1]) == READ
    family = "\U0001f469\u200d\U0001f469\u200d\U0001f467"
    assert (await parse(family.encode(), "x.txt")).text == family


def test_a_search_is_read_the_same_way() -> None:
    assert read_words("Gro\u0308ße Liefer\u00adbedingungen").terms == (
        Term("Größe"),
        Term("Lieferbedingungen"),
    )


async def test_rtf_keeps_letters_beyond_sixteen_bits(parse: Parse) -> None:
    rtf = await parse(rb"{\rtf1\ansi\uc1 A \u-10179?\u-8704? smile}", "x.rtf")
    assert rtf.text == "A \U0001f600 smile"
