"""Any exception becomes a problem document that helps and gives nothing away."""

import json

import pytest
from asyncpg.exceptions import DeadlockDetectedError
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, ValidationError
from redis.exceptions import ConnectionError as ValkeyDown
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from app.chat.messages.schemas import TextInput
from app.chat.turns.schemas import ChatCreate
from app.core.errors import MethodNotAllowed, NotFound, TooManyRequests, Unauthenticated
from app.core.http.problems import pointer_of, problem_response, problems, translate


def refusal(model: type[BaseModel], body):
    with pytest.raises(ValidationError) as error:
        model.model_validate(body)
    errors = [{**each, "loc": ("body", *each["loc"])} for each in error.value.errors()]
    return translate(RequestValidationError(errors, body=body))


def test_an_error_of_ours_stays_itself():
    error = NotFound("No such thing.")
    assert translate(error) is error


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (HTTPException(404), 404, "not_found"),
        (HTTPException(405), 405, "method_not_allowed"),
        (HTTPException(413), 413, "payload_too_large"),
        (HTTPException(418), 400, "bad_request"),
        (PoolTimeout("full"), 503, "unavailable"),
        (
            DBAPIError("select secret", {}, DeadlockDetectedError("10.0.0.1")),
            503,
            "unavailable",
        ),
        (
            OperationalError("select secret", {}, Exception("db at 10.0.0.1")),
            503,
            "store_unavailable",
        ),
        (ValkeyDown("10.0.0.1"), 503, "store_unavailable"),
        (ConnectionRefusedError("10.0.0.1"), 503, "store_unavailable"),
        (TimeoutError("10.0.0.1"), 503, "store_unavailable"),
        (RuntimeError("secret at 10.0.0.1"), 500, "internal_error"),
        (KeyError("secret"), 500, "internal_error"),
    ],
)
def test_another_error_is_told_by_status_and_code_and_not_by_its_words(error, status, code):
    shown = translate(error)
    assert (shown.status, shown.code) == (status, code)
    told = json.dumps(shown.problem())
    assert "secret" not in told
    assert "10.0.0.1" not in told
    assert (shown.retry_after is not None) is (status == 503)


def test_a_pointer_escapes_what_json_pointers_escape():
    assert pointer_of(("body", "a/b", "c~d", 0, "")) == "/body/a~1b/c~0d/0/"


@pytest.mark.parametrize(
    ("content", "pointer"),
    [
        (5, "/body/messages/0/content"),
        ([{"type": "text", "text": 5}], "/body/messages/0/content/0/text"),
        ([{"type": "text"}], "/body/messages/0/content/0/text"),
        ([{"type": "text", "text": "x", "extra": 1}], "/body/messages/0/content/0/extra"),
        ([{"type": "text", "text": "x", "text ": 1}], "/body/messages/0/content/0/text "),
        ([{"type": "image", "image": 1}], "/body/messages/0/content/0/image"),
        ([{"type": "image"}], "/body/messages/0/content/0/media_type"),
        ([], "/body/messages/0/content"),
    ],
)
def test_a_pointer_leaves_out_the_branches_of_a_union(content, pointer):
    error = refusal(ChatCreate, {"messages": [{"role": "user", "content": content}]})
    pointers = [each.pointer for each in error.errors]
    assert pointer in pointers
    assert all(p.startswith("/body/messages/0/content") and "[" not in p for p in pointers)


def test_a_pointer_to_a_property_named_like_a_step_of_the_way_is_the_propertys():
    class Outer(BaseModel):
        model_config = ConfigDict(extra="forbid")
        text: TextInput | None = None

    error = refusal(Outer, {"text": {"type": "text", "text": {"text": 1}}})
    assert [each.pointer for each in error.errors] == ["/body/text/text"]


def test_of_many_mistakes_fifty_are_told():
    body = {"messages": [{"role": "nobody", "content": ""}] * 500}
    error = refusal(ChatCreate, body)
    assert len(error.errors) == 50
    assert len(json.dumps(error.problem())) < 20_000


def test_a_wait_is_told_in_whole_seconds_and_never_none():
    for seconds, shown in ((0, "1"), (0.2, "1"), (1, "1"), (1.1, "2")):
        error = TooManyRequests(retry_after=seconds)
        answer = problem_response(error, path="/v1/chat", request_id="req_1")
        assert answer.headers["retry-after"] == shown


def test_a_401_says_how_to_sign_in():
    answer = problem_response(Unauthenticated(), path="/v1/me", request_id="req_1")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["content-type"] == "application/problem+json"
    told = json.loads(answer.body)
    assert (told["instance"], told["request_id"]) == ("/v1/me", "req_1")


def test_a_405_names_the_methods_that_are_taken():
    for error in (
        MethodNotAllowed(allow={"PUT", "GET"}),
        translate(HTTPException(405, headers={"Allow": "PUT, GET"})),
    ):
        answer = problem_response(error, path="/v1/me", request_id="req_1")
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, PUT")


def test_a_route_documents_errors_of_one_status_together():
    class One(NotFound):
        code, title = "one_missing", "No one"

    class Two(NotFound):
        code, title = "two_missing", "No two"

    shown = problems(One, Two)
    assert shown[404]["description"] == "No one (`one_missing`); No two (`two_missing`)"
    assert set(shown) == {404, 422}
