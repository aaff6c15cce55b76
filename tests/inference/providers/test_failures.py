from datetime import timedelta
from email.utils import format_datetime

import orjson
import pytest

from app.core import clock
from app.inference.providers import errors
from app.inference.providers.failures import classify, read_complaint, refusal, retry_after


def openai(message="no", code=None, kind=None):
    return {"error": {"message": message, "type": kind, "code": code}}


def anthropic(kind, message="no"):
    return {"type": "error", "error": {"type": kind, "message": message}}


def google(name, message="no", **extra):
    return {"error": {"code": 400, "message": message, "status": name, **extra}}


API_KEY_INVALID = google("INVALID_ARGUMENT", details=[{"reason": "API_KEY_INVALID"}])


@pytest.mark.parametrize(
    ("status", "document", "expected"),
    [
        (400, openai(code="context_length_exceeded"), errors.ContextTooLong),
        (400, openai("This model's maximum context length is 8192"), errors.ContextTooLong),
        (400, {"object": "error", "message": "prompt is too long"}, errors.ContextTooLong),
        (
            400,
            anthropic("invalid_request_error", "prompt is too long: 9 > 8"),
            errors.ContextTooLong,
        ),
        (413, anthropic("request_too_large"), errors.ContextTooLong),
        (
            400,
            google("INVALID_ARGUMENT", "The input token count (9) exceeds the maximum"),
            errors.ContextTooLong,
        ),
        (400, openai(code="content_filter"), errors.ContentFiltered),
        (400, openai(code="invalid_prompt"), errors.ProviderRejected),
        (422, {"detail": "bad field"}, errors.ProviderRejected),
        (429, openai(code="insufficient_quota"), errors.ProviderQuotaExceeded),
        (402, {}, errors.ProviderQuotaExceeded),
        (
            400,
            anthropic("invalid_request_error", "Your credit balance is too low"),
            errors.ProviderQuotaExceeded,
        ),
        (
            429,
            google("RESOURCE_EXHAUSTED", "check your plan and billing details"),
            errors.ProviderRateLimited,
        ),
        (401, anthropic("authentication_error"), errors.ProviderAuthFailed),
        (403, google("PERMISSION_DENIED"), errors.ProviderAuthFailed),
        (400, API_KEY_INVALID, errors.ProviderAuthFailed),
        (404, openai(code="model_not_found"), errors.ModelNotFound),
        (404, {"error": "model 'x' not found, try pulling it first"}, errors.ModelNotFound),
        (404, anthropic("not_found_error"), errors.ModelNotFound),
        (404, None, errors.ProviderRejected),
        (429, {}, errors.ProviderRateLimited),
        (408, {}, errors.ProviderTimedOut),
        (500, anthropic("api_error"), errors.ProviderFailed),
        (500, openai(kind="server_error"), errors.ProviderFailed),
        (502, None, errors.ProviderFailed),
        (503, openai(kind="server_error"), errors.ProviderOverloaded),
        (529, anthropic("overloaded_error"), errors.ProviderOverloaded),
        (504, {}, errors.ProviderTimedOut),
        (302, None, errors.ProviderGarbled),
    ],
)
def test_a_refusal_is_told_by_status_label_and_words(status, document, expected):
    body = b"<html>" if document is None else orjson.dumps(document)
    assert classify(status, read_complaint(body)) is expected


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"7", b"null", b'{"error": 5}', b'{"error": {"message": {"a": 1}}}', b"\xff"],
)
def test_an_error_body_of_any_shape_is_survived(body):
    error = refusal("Fake", 500, read_complaint(body))
    assert isinstance(error, errors.ProviderFailed)
    assert error.upstream_status == 500


def test_the_providers_words_are_quoted_bounded_and_without_the_key():
    complaint = read_complaint(orjson.dumps(openai("Bad key sk-secret-1! " + "x" * 2000)))
    error = refusal("Fake", 401, complaint, secret="sk-secret-1")
    assert error.detail.startswith("Fake: Bad key [redacted]! xxx")
    assert len(error.detail) == errors.DETAIL_LIMIT


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "1500", "retry-after": "7"}, 1.5),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "nan"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read_in_seconds(headers, expected):
    assert retry_after(headers) == expected


def test_retry_after_is_read_as_a_date():
    later = format_datetime(clock.now() + timedelta(seconds=30), usegmt=True)
    assert 28 < retry_after({"retry-after": later}) <= 30
    earlier = format_datetime(clock.now() - timedelta(seconds=30), usegmt=True)
    assert retry_after({"retry-after": earlier}) == 0


def test_google_puts_its_wait_into_the_body():
    complaint = read_complaint(
        orjson.dumps(google("RESOURCE_EXHAUSTED", details=[{"retryDelay": "34s"}]))
    )
    assert refusal("Gemini", 429, complaint).retry_after == 34


def test_every_error_has_its_own_code_except_the_base():
    kinds = errors.ProviderError.__subclasses__()
    assert len({kind.code for kind in kinds}) == len(kinds)
    assert not errors.ProviderAuthFailed.retryable
    assert not errors.ProviderQuotaExceeded.retryable
