"""Embeddings of Gemini in OpenAI's words."""

from base64 import b64decode
from struct import unpack

import orjson
import pytest

from app.inference.dialects.errors import RequestInvalid, UnsupportedParameter
from app.inference.operations.content import read_json
from app.inference.operations.embeddings import embeddings_errand
from app.inference.providers.errors import ProviderGarbled, ProviderUnfit
from app.inference.providers.types import Usage
from tests.inference.dialects.targets import target_of


def errand(**fields):
    document = {"model": "auto", "input": ["Hello", "World"], **fields}
    return embeddings_errand(read_json(orjson.dumps(document)))


def answer_of(*vectors: list[float], **more) -> bytes:
    return orjson.dumps({"embeddings": [{"values": vector} for vector in vectors], **more})


@pytest.fixture
def gemini(settings):
    return target_of("gemini", settings, "gemini-embedding-001")


def test_texts_go_to_gemini_in_one_batch(gemini):
    asked = errand(dimensions=8)
    assert asked.url(gemini).endswith("/v1beta/models/gemini-embedding-001:batchEmbedContents")
    assert orjson.loads(asked.body(gemini)) == {
        "requests": [
            {
                "model": "models/gemini-embedding-001",
                "content": {"parts": [{"text": text}]},
                "outputDimensionality": 8,
            }
            for text in ("Hello", "World")
        ]
    }


def test_vectors_come_back_as_numbers_with_an_estimated_usage(gemini):
    asked = errand()
    answer = answer_of([0.5, -1.0], [2.0, 0.25])
    told = orjson.loads(asked.answer(gemini, answer))
    assert [row["embedding"] for row in told["data"]] == [[0.5, -1.0], [2.0, 0.25]]
    assert [row["index"] for row in told["data"]] == [0, 1]
    assert told["usage"] == {"prompt_tokens": 4, "total_tokens": 4}
    assert asked.usage(answer) is None


def test_vectors_come_back_as_base64_where_that_was_asked_for(gemini):
    told = orjson.loads(
        errand(encoding_format="base64").answer(gemini, answer_of([0.5, -1.0], [2.0, 0.25]))
    )
    packed = b64decode(told["data"][0]["embedding"])
    assert unpack("<2f", packed) == (0.5, -1.0)


def test_a_count_that_gemini_gives_is_the_usage(gemini):
    asked = errand()
    answer = answer_of([0.5], [1.0], usageMetadata={"promptTokenCount": 12})
    assert orjson.loads(asked.answer(gemini, answer))["usage"]["prompt_tokens"] == 12
    assert asked.usage(answer) == Usage(12)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"input": [1, 2, 3]}, "input"),
        ({"input": [[1], [2]]}, "input"),
        ({"never_heard_of": 1}, "never_heard_of"),
    ],
)
def test_what_gemini_has_no_words_for_is_refused_by_name(gemini, fields, param):
    with pytest.raises(UnsupportedParameter) as refused:
        errand(**fields).body(gemini)
    assert refused.value.param == param


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"input": []}, "input"),
        ({"input": 7}, "input"),
        ({"input": ["x"] * 101}, "input"),
        ({"dimensions": 0}, "dimensions"),
    ],
)
def test_a_field_of_the_wrong_kind_is_named(gemini, fields, param):
    with pytest.raises(RequestInvalid) as refused:
        errand(**fields).body(gemini)
    assert refused.value.param == param


def test_an_unknown_encoding_is_refused_for_all():
    with pytest.raises(RequestInvalid) as refused:
        errand(encoding_format="hex")
    assert refused.value.param == "encoding_format"


@pytest.mark.parametrize("answer", [b"{}", b"[]", b"no json", answer_of([1.0])])
def test_an_answer_without_the_vectors_is_garbled(gemini, answer):
    with pytest.raises(ProviderGarbled):
        errand().answer(gemini, answer)


def test_openais_bytes_pass_with_another_name_of_the_model(settings):
    target = target_of("openai", settings, "text-embedding-3-small")
    asked = errand(input=[1, 2], future=1.5)
    assert asked.url(target) == "https://api.openai.com/v1/embeddings"
    assert orjson.loads(asked.body(target)) == {
        "model": "text-embedding-3-small",
        "input": [1, 2],
        "future": 1.5,
    }
    assert asked.answer(target, b"as it came") == b"as it came"


def test_azures_version_stays_in_the_address(settings):
    base = "https://n.openai.azure.com/openai/deployments/d?api-version=2025-01-01"
    target = target_of("azure", settings, base_url=base)
    assert errand().url(target) == (
        "https://n.openai.azure.com/openai/deployments/d/embeddings?api-version=2025-01-01"
    )


def test_who_has_no_embeddings_is_passed_over(settings):
    with pytest.raises(ProviderUnfit):
        errand().url(target_of("anthropic", settings))
