"""The errors that a client may see."""

import re

import pytest

from app.core.errors import AppError, FieldError, NotFound, TooManyRequests, from_problem
from app.core.http.docs_page import error_kinds
from app.main import all_routes

STATUSES = {
    400, 401, 402, 403, 404, 405, 408, 409, 410, 412, 413, 414, 415, 422, 429, 431,
    500, 502, 503, 504,
}  # fmt: skip


@pytest.fixture(scope="module")
def kinds():
    all_routes()  # every room is imported
    return list(error_kinds())


def test_every_error_has_a_known_status_a_snake_case_code_and_a_title(kinds):
    assert len(kinds) > 30
    for kind in kinds:
        assert kind.status in STATUSES, kind
        assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", kind.code), kind
        assert kind.title
        assert not kind.title.endswith("."), kind


def test_a_code_means_one_thing(kinds):
    told = {}
    for kind in kinds:
        meaning = (kind.status, kind.title)
        assert told.setdefault(kind.code, meaning) == meaning, kind


def test_the_detail_falls_back_to_the_title():
    assert NotFound().problem()["detail"] == "Not found"
    assert NotFound("No such thing.").problem()["detail"] == "No such thing."


def test_a_stored_problem_is_raised_again_as_what_it_was():
    original = TooManyRequests("Slow down.", retry_after=2.5, errors=(FieldError("/x", "y", "z"),))
    again = from_problem(original.problem(instance="/v1/chat", request_id="req_1"))
    assert isinstance(again, AppError)
    shown, expected = again.problem(), original.problem()
    assert {k: v for k, v in shown.items() if k != "errors"} == {
        k: v for k, v in expected.items() if k != "errors"
    }
    assert again not in error_kinds()
