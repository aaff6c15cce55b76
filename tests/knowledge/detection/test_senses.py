from dataclasses import replace

import pytest
import pytest_asyncio

from app.core.errors import AppError
from app.inference.embeddings.local import LocalEmbedder
from app.knowledge.detection.matching.spans import find
from app.knowledge.detection.senses import choosing
from app.knowledge.detection.senses.choosing import MOST_WINDOWS, ambiguous, choose
from app.knowledge.detection.senses.profiles import profile_of, unknown
from app.knowledge.detection.senses.vectors import KeptVectors
from app.knowledge.detection.senses.windows import Windows
from tests.knowledge.detection.ambiguous.judging import Concept, baseline, judge, read
from tests.knowledge.detection.terms import Row, lexicon

# How much better than the most frequent sense the chooser must be on the test half.
MARGIN_OF_F1 = 0.3
MARGIN_OF_ACCURACY = {"en": 0.3, "de": 0.1}
MOST_MISCALIBRATED = 0.12


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def embedder():
    local = LocalEmbedder()
    yield local
    local.close()


@pytest.mark.parametrize("language", ["en", "de"])
async def test_senses_are_told_better_than_by_their_frequency(embedder, language):
    words = read([language])
    most_frequent, ours = baseline(words, "test"), await judge(words, "test", embedder)
    assert ours.f1 > most_frequent.f1 + MARGIN_OF_F1
    assert ours.accuracy > most_frequent.accuracy + MARGIN_OF_ACCURACY[language]
    assert ours.calibration_error < MOST_MISCALIBRATED


def test_the_set_is_what_its_description_says():
    english, german = read(["en"]), read(["de"])
    assert len(english) >= 40
    assert len(german) >= 8
    for word in english + german:
        assert 2 <= len(word.concepts) <= 4
        assert len(word.sentences) >= 8
        assert word.of("train")
        assert word.of("test")
        terms = lexicon(Row(word.term, word.language))
        for sentence in word.sentences:
            assert len(find(terms, sentence.text)) == 1, sentence.text
    texts = [sentence.text for word in english + german for sentence in word.sentences]
    assert len(set(texts)) == len(texts)


class Counting:
    """An embedder that counts, and says that all texts are alike."""

    name, dimensions = "counting", 2

    def __init__(self, error: AppError | None = None) -> None:
        self.texts: list[str] = []

    async def embed(self, texts):
        self.texts += texts
        return [[1.0, 0.0] for _ in texts]


MONEY, RIVER = Row("bank"), Row("bank")
CONCEPTS = {
    MONEY.entry_id: Concept(
        MONEY.entry_id,
        ("finance",),
        (("en", "An institution that lends money."),),
        (("en", "bank"),),
    ),
    RIVER.entry_id: Concept(
        RIVER.entry_id, ("geography",), (("en", "The edge of a river."),), (("en", "bank"),)
    ),
}
PROFILES = {entry: profile_of(concept, "en") for entry, concept in CONCEPTS.items()}


async def senses_of(text, how="auto", profiles=PROFILES, embedder=None):
    spans = find(lexicon(MONEY, RIVER), text)
    readings = await choose(text, spans, profiles, how, embedder or Counting(), KeptVectors())
    return [reading.senses for reading in readings]


async def test_words_around_a_term_tell_its_sense_without_a_model():
    [senses] = await senses_of("He lay on the bank of the river.", "lexical")
    assert senses[0].entry_id == RIVER.entry_id
    assert sum(sense.probability for sense in senses) == pytest.approx(1)


async def test_only_ambiguous_terms_are_embedded_and_a_window_once():
    counting = Counting()
    await choose("A plain text", [], {}, "auto", counting, KeptVectors())
    assert counting.texts == []
    await senses_of(
        "A bank beside a bank in the sentence that has two of the banks.", embedder=counting
    )
    assert len(counting.texts) == len(PROFILES) + 1


async def test_where_words_decide_no_model_is_asked():
    counting = Counting()
    [senses] = await senses_of("He lay on the bank of the river.", embedder=counting)
    assert counting.texts == []
    assert senses[0].entry_id == RIVER.entry_id


async def test_a_window_that_comes_again_is_not_embedded_again():
    counting, kept = Counting(), KeptVectors()
    for text in ("We met at the bank at noon.", "It rained. We met at the bank at noon. He left."):
        spans = find(lexicon(MONEY, RIVER), text)
        await choose(text, spans, PROFILES, "auto", counting, kept)
    assert len(counting.texts) == len(PROFILES) + 1


async def test_the_windows_of_one_text_are_bounded():
    counting = Counting()
    text = " ".join(
        f"Sentence number {at} has a bank, and it is long enough for itself alone."
        for at in range(100)
    )
    senses = await senses_of(text, embedder=counting)
    assert len(senses) == 100
    assert len(counting.texts) == len(PROFILES) + MOST_WINDOWS


async def test_what_is_embedded_of_concepts_for_one_text_is_bounded(monkeypatch):
    monkeypatch.setattr(choosing, "MOST_TEXTS", len(PROFILES) - 1)
    counting = Counting()
    [senses] = await senses_of("We met at the bank at noon.", embedder=counting)
    assert counting.texts == []
    assert [sense.probability for sense in senses] == [0.5, 0.5]


async def test_concepts_beyond_the_bound_are_not_weighed(monkeypatch):
    monkeypatch.setattr(choosing, "MOST_CONCEPTS", 1)
    spans = find(lexicon(MONEY, RIVER), "the bank of the river")
    assert ambiguous(spans) == {}
    [reading] = await choose("the bank", spans, {}, "auto", Counting(), KeptVectors())
    assert [sense.probability for sense in reading.senses] == [0.5, 0.5]


def test_what_is_read_of_a_concept_is_bounded():
    long = [("en", f"number{n} " * 1_000) for n in range(50)]
    profile = profile_of(replace(CONCEPTS[RIVER.entry_id], definitions=long, examples=long), "en")
    assert max(map(len, profile.texts)) <= 600
    assert len(profile.texts) == 7
    assert len(profile.bag) < 20


async def test_none_leaves_senses_at_their_priors():
    profiles = {
        MONEY.entry_id: profile_of(CONCEPTS[MONEY.entry_id], "en", 3),
        RIVER.entry_id: unknown(RIVER.entry_id),
    }
    [senses] = await senses_of("the bank of the river", "none", profiles)
    assert [(sense.entry_id, sense.probability) for sense in senses] == [
        (MONEY.entry_id, 0.75),
        (RIVER.entry_id, 0.25),
    ]


async def test_a_concept_without_a_definition_is_neither_preferred_nor_shut_out(embedder):
    profiles = {**PROFILES, RIVER.entry_id: unknown(RIVER.entry_id)}
    [senses] = await senses_of("the bank", profiles=profiles, embedder=embedder)
    assert [sense.probability for sense in senses] == [pytest.approx(0.5)] * 2


def test_what_is_ambiguous_is_told_with_its_language():
    terms = lexicon(MONEY, RIVER, Row("port"))
    assert ambiguous(find(terms, "a bank at the port")) == {
        MONEY.entry_id: "en",
        RIVER.entry_id: "en",
    }


def test_a_window_is_the_sentence_and_more_where_it_is_short():
    text = (
        "It rained all day long in the valley and nobody went out at all. The bank. It fell. "
        + "x " * 50
    )
    [span] = find(lexicon("bank"), text)
    assert Windows(text).around(span).startswith("It rained")
    assert Windows(text).around(span).endswith("It fell.")


def test_a_model_is_shown_seven_words_on_either_side_and_never_another_sentence():
    text = "It rained. Of a b c d e f g (the\n bank) h i j k l m n o. The end of it all is here."
    [span] = find(lexicon("bank"), text)
    assert Windows(text).near(span) == "b c d e f g (the bank) h i j k l m"
    text = "They went to the bank, and left again. The end of it all is here."
    [span] = find(lexicon("bank"), text)
    assert Windows(text).near(span) == "They went to the bank, and left again."
