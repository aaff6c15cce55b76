"""Names, acronyms and addresses by how they are written, and what stands together."""

import pytest

from app.knowledge.graph.extraction.rules.reading import read
from app.knowledge.graph.extraction.rules.sentences import sentences
from app.knowledge.graph.findings import Gathering, Mention, Tie
from app.knowledge.graph.keys import fold_of, initials_of, key_of


def names_in(text, **more):
    return {mention.name: mention.type for mention in read(text, (), **more).mentions}


def pairs_in(text):
    return {(tie.source, tie.target) for tie in read(text, ()).ties}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Yesterday Angela Merkel met Barack Obama.", {"Angela Merkel", "Barack Obama"}),
        ("The Bank of England raised its rate.", {"Bank of England"}),
        ("Then Anna Bell of Acme Inc left.", {"Anna Bell", "Acme Inc"}),
        ("We heard Ludwig van Beethoven there.", {"Ludwig van Beethoven"}),
        ("It was built by Acme Inc. and by J. S. Bach alone.", {"Acme Inc", "J. S. Bach"}),
        ("Write to jane.doe@acme.example, please.", {"jane.doe@acme.example"}),
        ("See https://Foo.Bar/Baz and `Some Code` in My_Module.", set()),
        ("HOW TO INSTALL THE NEW PROGRAM", set()),
        ("On Monday in December we met.", set()),
        ("We saw Anna's house. The house was big.", {"Anna"}),
        ("NASA and ESA are OK with it.", {"NASA", "ESA"}),
        ("In Berlin they met at the IT department of ESA.", {"Berlin", "IT", "ESA"}),
    ],
)
def test_names_are_found_and_what_is_capitalised_otherwise_is_not(text, expected):
    assert set(names_in(text)) == expected


def test_german_nouns_are_no_names():
    text = "Der Vorstand der Firma traf Herrn Müller und die Deutsche Bahn AG am Montag im Haus."
    found = names_in(text, language="german")
    assert found == {"Müller": "person", "Deutsche Bahn AG": "organization"}
    assert set(names_in(text)) == set(found)


def test_an_acronym_that_is_explained_stands_for_the_whole_name():
    text = "The World Health Organization (WHO) met. Later the WHO left Geneva."
    found = read(text, ())
    (who,) = [each for each in found.mentions if each.name.startswith("World")]
    assert [text[slice(*span)] for span in who.spans] == [
        "World Health Organization", "WHO", "WHO",
    ]  # fmt: skip
    assert ("geneva", "world health organization") in {(t.source, t.target) for t in found.ties}


def test_only_what_stands_in_one_sentence_is_related():
    text = "Anna Bell met Carl Dorn. Erik Falk left."
    assert pairs_in(text) == {("anna bell", "carl dorn")}


def test_offsets_are_code_points():
    text = "😀😀 Later Anna Bell met 🎉 Carl Dorn."
    for mention in read(text, ()).mentions:
        assert text[slice(*mention.spans[0])] == mention.name


def test_a_passage_tells_of_a_bounded_number_of_things():
    text = " ".join(f"Then Anna{number:03d} Bell came." for number in range(300))
    found = read(text.replace("0", "o").replace("1", "i").replace("2", "u"), ())
    assert len(found.mentions) <= 100
    together = ", ".join(f"Anna B{chr(97 + n)}ll" for n in range(26))
    assert len(read(f"Later {together} came.", ()).ties) <= 66


def test_an_undirected_relation_is_one_whichever_end_is_named_first():
    gathering = Gathering()
    for name in "ab":
        gathering.mention(Mention(name, name, "name"))
    for one, other, kind in (("a", "b", "same_as"), ("b", "a", "same_as"), ("b", "a", "owns")):
        gathering.tie(Tie(one, other, kind))
    ties = [(tie.source, tie.type, tie.target) for tie in gathering.whole().ties]
    assert ties == [("a", "same_as", "b"), ("b", "owns", "a")]


def test_sentences_end_at_their_ends():
    text = "Dr. Bell came. He saw e.g. Rome at 3.5 miles! Then?\n- one\n- two"
    assert [text[slice(*span)] for span in sentences(text)] == [
        "Dr. Bell came.", "He saw e.g. Rome at 3.5 miles!", "Then?", "- one", "- two",
    ]  # fmt: skip


def test_a_hostile_text_takes_no_longer_than_its_length():
    for text in ("A" * 50_000, "Aa " * 16_000, "(" * 50_000, "a@" * 25_000, "A. " * 16_000):
        read(text, ())


def test_keys_ignore_what_makes_no_other_name():
    assert key_of("  ACME   Corp. ") == key_of("Acme Corp")
    assert fold_of("Müller GmbH") == fold_of("Muller") == "muller"
    assert initials_of("International Business Machines Corp") == "ibm"
