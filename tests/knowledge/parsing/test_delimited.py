"""Tables of text: what parts their cells."""

import pytest

from tests.knowledge.parsing.conftest import Parse


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("Betrag;1,5;2,5;3,5\nx;1;2;3\n", "| Betrag | 1,5 | 2,5 | 3,5 |"),
        ("Name;Note, kurz\nAnna;gut\n", "| Name | Note, kurz |"),
        ('"a\nb";c\n1;2\n', "| a b | c |"),
        ('a,b\n1,"x;y"\n2,"z;w"\n', "| a | b |"),
        ("# made by hand\na,b\nc,d\n", "| # made by hand |"),
        ("word\nother\n", "| word |"),
    ],
)
async def test_what_parts_cells_is_told_by_several_rows(
    parse: Parse, text: str, first: str
) -> None:
    parsed = await parse(text.encode(), "x.csv")
    assert parsed.text.split("\n")[0] == first
