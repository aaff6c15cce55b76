"""Text whose encoding nobody names, or names wrongly, is read as it was written."""

import pytest

from app.knowledge.parsing.decoding import decode


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1252", "It’s the company’s policy – nothing more."),  # noqa: RUF001
        ("cp1252", "Prénom;Société;Été\nHélène;Côté & Fils;à réviser\nFrançois;Crème;n° 5\n"),
        ("cp1252", "Año;Niño;Señor\nEspaña;mañana;corazón\n"),
        ("cp1252", "São Paulo;não;coração\n"),
        ("cp1252", "Åsa;Björn;Hälsningar från Malmö\n"),
        ("cp1252", "Søren;Århus;Ærø\n"),
        ("cp1252", "città;perché;è così\n"),
        ("cp1252", "België;coördinatie\n"),
        ("cp1252", "Preis: 5 € – „gut“ – siehe § 3\n"),  # noqa: RUF001
        ("cp1252", "Plain English, line after line.\n" * 30_000 + "One café.\n"),
        ("cp1250", "Zażółć gęślą jaźń. Wszystkie części muszą być dostępne w ciągu trzech dni."),
        ("iso-8859-2", "Zażółć gęślą jaźń. Wszystkie części muszą być dostępne w trzy dni."),
        ("cp1254", "Bütün ürünler otuz gün içinde teslim edilmelidir. İstanbul'da görüşürüz."),
        ("cp1253", "Όλα τα προϊόντα πρέπει να παραδοθούν εντός τριάντα ημερών."),  # noqa: RUF001
        ("cp850", "Größe Straße Müller"),
    ],
)
def test_the_code_page_is_told_by_the_language(encoding: str, text: str) -> None:
    assert decode(text.encode(encoding))[0] == text


def test_a_stray_byte_does_not_garble_the_rest() -> None:
    text = "Größe und Straße für Müller. " * 100
    assert decode(text.encode() + b"\xff")[0] == text + "\ufffd"
    cut = ("日本語の文章です。" * 50).encode()[:-1]
    assert decode(cut)[0].startswith("日本語の文章です。")


@pytest.mark.parametrize(
    ("declared", "content", "text"),
    [
        ("iso-8859-1", b"It\x92s a caf\xe9", "It’s a café"),  # noqa: RUF001
        ("us-ascii", b"It\x92s a caf\xe9", "It’s a café"),  # noqa: RUF001
        ("shift_jis", "①番".encode("cp932"), "①番"),
        ("gb2312", "镕".encode("gb18030"), "镕"),
        ("no-such-encoding", "Müller, Größe".encode("cp1252"), "Müller, Größe"),
    ],
)
def test_a_declared_encoding_is_read_as_browsers_read_it(
    declared: str, content: bytes, text: str
) -> None:
    assert decode(content, declared)[0] == text
