"""Usage and errors found in answers that are too large to be parsed for them."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.inference.operations.told import error_in, usage_in
from app.inference.providers.types import Usage
from tests.support.fakes.base import event

PICTURE = "A" * 300_000
SPENT = {"input_tokens": 7, "output_tokens": 9, "input_tokens_details": {"cached_tokens": 3}}


@pytest.mark.parametrize(
    "answer",
    [
        orjson.dumps({"created": 1, "data": [{"b64_json": PICTURE}], "usage": SPENT}),
        orjson.dumps({"usage": SPENT, "data": [{"b64_json": PICTURE}]}),
        event({"type": "image_generation.completed", "b64_json": PICTURE, "usage": SPENT}),
        event({"type": "transcript.text.done", "text": 'say "usage"', "usage": SPENT}),
    ],
)
def test_usage_is_found_behind_or_before_a_picture(answer):
    assert usage_in(answer) == Usage(7, 9, 3)


@pytest.mark.parametrize(
    ("told", "usage"),
    [
        ({"prompt_tokens": 5, "total_tokens": 5}, Usage(5)),
        ({"prompt_tokens": None}, Usage(0)),
        (
            {"input_tokens": 9, "input_token_details": {"audio_tokens": 8, "text_tokens": 1}},
            Usage(9, audio_input_tokens=8),
        ),
        (
            {"input_tokens": 9, "input_tokens_details": {"image_tokens": 7, "text_tokens": 2}},
            Usage(9, image_input_tokens=7),
        ),
        (
            {"input_tokens": 9, "output_tokens": 50, "input_tokens_details": {"image_tokens": 0}},
            Usage(9, 50, image_output_tokens=50),
        ),
        (
            {
                "input_tokens": 9,
                "output_tokens": 50,
                "input_tokens_details": {"image_tokens": 7, "text_tokens": 2},
                "output_tokens_details": {"image_tokens": 40, "text_tokens": 10},
            },
            Usage(9, 50, image_input_tokens=7, image_output_tokens=40),
        ),
        (
            {
                "input_tokens": 9,
                "input_tokens_details": {
                    "image_tokens": 7,
                    "cached_tokens": 5,
                    "cached_tokens_details": {"image_tokens": 4, "text_tokens": 1},
                },
            },
            Usage(9, 0, 5, image_input_tokens=3, cached_image_tokens=4),
        ),
        ({"type": "duration", "seconds": 12}, None),
        (None, None),
        ([1], None),
    ],
)
def test_every_kind_of_usage_is_understood_or_none(told, usage):
    assert usage_in(orjson.dumps({"text": "Hi", "usage": told})) == usage


@given(st.binary())
def test_any_bytes_have_a_usage_or_none(noise):
    found = usage_in(b'{"usage":{"input_tokens":' + noise)
    assert found is None or found.input_tokens >= 0
    assert usage_in(noise) is None
    assert error_in(b'{"text"' + noise) is None


def test_an_error_of_status_200_is_seen():
    fault = error_in(b'{"error": {"message": "Oh no.", "code": "rate_limit_exceeded"}}')
    assert fault.complaint.message == "Oh no."
    assert error_in(b'{"text": "an \\"error\\""}') is None
    assert error_in(b"\xff\xfbsound") is None
