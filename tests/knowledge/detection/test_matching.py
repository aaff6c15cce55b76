import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.knowledge.detection.matching import spans
from app.knowledge.detection.matching.lexicon import MOST_HOMOGRAPHS, build
from app.knowledge.detection.matching.spans import find, look
from app.knowledge.detection.matching.stream import Stream
from tests.knowledge.detection.terms import Row, found, lexicon


@pytest.mark.parametrize(
    ("term", "language", "text", "surfaces"),
    [
        ("policy", "en", "Two policies, one Policy.", ["policies", "Policy"]),
        ("index", "en", "The indices of an index", ["indices", "index"]),
        ("run", "en", "It was running, then it ran; runs", ["running", "ran", "runs"]),
        ("credit card", "en", "Credit  cards\nand credit, cards", ["Credit  cards"]),
        ("bank", "en", "The bank's banker banked at Burbank", ["bank", "banked"]),
        ("universe", "en", "The university has universes", ["universes"]),
        (
            "e-mail",
            "en",
            "email, e-mail, e\u2011mails, e mail",
            ["email", "e-mail", "e\u2011mails", "e mail"],
        ),
        ("email address", "en", "an e-mail address", ["e-mail address"]),
        ("O'Reilly", "en", "O\u2019Reilly and O'Reilly", ["O\u2019Reilly", "O'Reilly"]),
        ("C++", "en", "C, C++ and C+", ["C++"]),
        ("C", "en", "C, C++, C# and c", ["C", "c"]),
        (".NET", "en", "net or .NET", [".NET"]),
        ("Node.js", "en", "in node.js. Node. js", ["node.js"]),
        ("R&D", "en", "Our R&D, R and D", ["R&D"]),
        ("Vertrag", "de", "des Vertrages, die Verträge", ["Vertrages", "Verträge"]),
        ("Straße", "de", "STRASSEN und Strasse", ["STRASSEN", "Strasse"]),
        ("Index", "de", "die Indizes", ["Indizes"]),
        ("cheval blanc", "fr", "l'cheval blanc", ["cheval blanc"]),
        ("avion", "fr", "l\u2019avion, deux avions", ["avion", "avions"]),
        ("Mieter", "de", "den Mietern, die Miete", ["Mietern"]),
        (
            "gültiger Pass",
            "de",
            "gültige Pässe, mit gültigem Pass",
            ["gültige Pässe", "gültigem Pass"],
        ),
        ("Büro", "de", "zwei Büros", ["Büros"]),
        ("livre", "fr", "les livres livrés, livrer, une livraison", ["livres"]),
        ("marche", "fr", "trois marches au marché", ["marches"]),
        ("national", "fr", "nationaux, nationales, nationalité", ["nationaux", "nationales"]),
        ("premier", "fr", "premières, primer", ["premières"]),
        ("ancien bail", "fr", "les anciens baux", ["anciens baux"]),
        ("livrer", "fr", "il livrait, livrés", ["livrait", "livrés"]),
        ("contrato", "es", "contratos; contratar, contratista", ["contratos"]),
        ("canción", "es", "dos canciones", ["canciones"]),
        ("caso", "es", "casos, la casa, casarse", ["casos"]),
        ("usuario", "es", "las usuarias, el uso", ["usuarias"]),
        ("proveedor", "es", "proveedores, proveedoras, provee", ["proveedores", "proveedoras"]),
        ("imagen", "es", "imágenes, imaginar", ["imágenes"]),
        ("contratar", "es", "contratamos", ["contratamos"]),
        ("İstanbul", "tr", "İSTANBUL'da, istanbul", ["İSTANBUL", "istanbul"]),
        ("Diyarbakır", "tr", "DİYARBAKIR'da", ["DİYARBAKIR"]),  # noqa: RUF001
        ("银行", "zh", "我在银行工作。", ["银行"]),
        ("データ", "ja", "このデータは正しい", ["データ"]),
        ("은행", "ko", "은행은 가까운 은행이다; 새은행", ["은행", "은행"]),
        ("ธนาคาร", "th", "ไปธนาคารกัน", ["ธนาคาร"]),
        ("dictionary", "en", "dic\u00adtion\u00adary", ["dic\u00adtion\u00adary"]),
        ("café", "en", "cafe\u0301 and ＣＡＦÉ", ["cafe\u0301", "ＣＡＦÉ"]),
        ("API", "en", "\U0001d4b3 the API, APIs, api", ["API", "APIs"]),
        ("term", "en", "a **term**, _terms_ and `term`", ["term", "terms", "term"]),
        ("bank account", "en", "the bank \u2013 account of bank. Account", []),
        ("end of life", "en", "end\n\nof life; end of\nlife", ["end of\nlife"]),
    ],
)
def test_a_term_is_found_in_its_forms_and_nowhere_else(term, language, text, surfaces):
    assert found(text, Row(term, language)) == surfaces


def test_an_abbreviation_is_found_as_it_is_written_only():
    assert found("IT and it, US or us", Row("IT"), Row("US", status="abbreviation")) == ["IT", "US"]


def test_the_longest_of_overlapping_terms_stands_and_the_leftmost_of_others():
    text = "a credit card fee, a card fee and a credit line"
    terms = ("credit", "card", "credit card", "card fee")
    assert found(text, *terms) == ["credit card", "card fee", "credit"]


def test_all_senses_of_one_place_are_kept():
    money, river = Row("bank"), Row("Bank")
    [span] = find(lexicon(money, river, Row("Bank", "de")), "the bank")
    assert {match.term.entry_id for match in span.matches} >= {money.entry_id, river.entry_id}
    assert len(span.matches) == 3


def test_the_senses_of_one_place_and_the_matches_of_a_text_are_bounded(monkeypatch):
    [span] = find(lexicon(*(Row("bank") for _ in range(MOST_HOMOGRAPHS + 1))), "the bank")
    assert len(span.matches) == MOST_HOMOGRAPHS
    monkeypatch.setattr(spans, "MOST_MATCHES", 10)
    terms = lexicon("bank", "bank holiday")
    assert look(terms, "bank holiday " * 5) == (find(terms, "bank holiday " * 5), False)
    first, truncated = look(terms, "bank holiday " * 6)
    assert truncated
    assert first == find(terms, "bank holiday " * 5)


def test_terms_are_found_among_thousands_that_begin_otherwise():
    words = [f"term{n}x" for n in range(3_000)]
    terms = lexicon(*words, *(f"{one} {other}" for one, other in pairwise(words[::7])))
    text = "; ".join([*words, *(f"{one} {other}" for one, other in pairwise(words[::7]))])
    surfaces = [text[span.start : span.end] for span in find(terms, text)]
    assert surfaces == text.split("; ")


def test_languages_narrow_what_is_found():
    terms = lexicon(Row("gift"), Row("Gift", "de-AT"))
    [span] = find(terms, "a gift", {"de"})
    assert [match.term.language for match in span.matches] == ["de-AT"]
    assert find(terms, "a gift", {"fr"}) == []


def test_a_term_of_no_word_is_never_found():
    assert found("a … b", "…", "") == []


WORDS = st.text(
    st.one_of(
        st.sampled_from("abcdéßñ"),
        st.characters(categories=("Ll", "Lu", "Lo", "Nd", "Mn"), max_codepoint=0x2FFFF),
    ),
    min_size=1,
    max_size=6,
)
TERMS = st.lists(WORDS, min_size=1, max_size=3).map(" ".join)
NOISE = st.text(st.sampled_from("ab ,.-'\n!?漢字가나 ｶﾞ\u0301é_*#+"), max_size=30)


@given(st.lists(TERMS, min_size=1, max_size=8), st.lists(NOISE, min_size=9, max_size=9))
@settings(max_examples=60, deadline=None)
def test_every_term_that_stands_in_a_text_is_covered_and_offsets_are_of_the_text(terms, noise):
    text = noise[-1]
    places = []
    for term, between in zip(terms, noise, strict=False):
        text += " .\n\n"
        places.append((len(text), len(text) + len(term), term))
        text += term + "\n\n. " + between
    spans = find(build(Row(term) for term in terms), text)
    for start, end, term in places:
        if not any(letter.isalnum() for letter in term):
            continue
        assert any(
            (span.start <= start and end <= span.end) or _within(span, start, end) for span in spans
        ), (
            term,
            text,
        )
    for before, after in pairwise(spans):
        assert before.end <= after.start


def _within(span, start: int, end: int) -> bool:
    """A term that another one overlaps gives way to the leftmost."""
    return span.start < end and start < span.end


@given(st.text("abcs", min_size=1, max_size=4), st.text("abcs -", max_size=40))
@settings(max_examples=80, deadline=None)
def test_nothing_is_found_inside_of_a_word(term, text):
    for span in find(lexicon(term), text):
        before, after = text[: span.start][-1:], text[span.end :][:1]
        assert not before.isalnum()
        assert not after.isalnum()
        assert re.fullmatch(r"\w.*", text[span.start : span.end])


@st.composite
def _cut(draw):
    alphabet = st.sampled_from(
        [
            "a",
            "b",
            " ",
            "bank",
            "card",
            "s",
            "-",
            ".",
            ",",
            "\n",
            "漢",
            "가",
            "+",
            "'",
            "é",
            "\u0301",
            "\U0001d4b3",
            "x" * 199,
        ]
    )
    text = "".join(draw(st.lists(alphabet, max_size=40)))
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=12)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    return text, pieces


SOME = lexicon(
    "a", "b", "bank", "bank card", "card", "a b a", "b a b a", "bank-card", "c++", "a+", "漢",
    "漢 漢",
    Row("가", "ko"), Row("가가", "ko"), Row("Bank", "de"), Row("bank a", "de"), "é", "\U0001d4b3 a",
)  # fmt: skip


@given(_cut())
@settings(max_examples=120, deadline=None)
def test_a_text_in_pieces_gives_what_the_whole_gives(cut):
    text, pieces = cut
    stream = Stream(SOME)
    spans = [span for piece in pieces for span in stream.feed(piece)] + stream.finish()
    assert spans == find(SOME, text)


def test_a_term_is_told_as_soon_as_no_longer_one_can_take_its_place():
    stream = Stream(lexicon("bank", "bank holiday"))
    assert stream.feed("The bank ") == []
    [span] = stream.feed("was ") + stream.feed("closed")
    assert (span.start, span.end) == (4, 8)


def test_a_stream_without_end_is_held_within_bounds():
    stream = Stream(lexicon("bank"))
    for _ in range(2000):
        stream.feed("x" * 50)
        assert len(stream._reader._held) <= 250
