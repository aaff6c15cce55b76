"""Routes that are built when they are needed, and routers that are imported then."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, APIRouter
from starlette.routing import Match

from app.core.http.late_route import LateRoute
from app.core.http.late_router import LateRouter


async def show(number: int) -> dict[str, int]:
    return {"number": number}


@pytest.fixture
def late():
    return LateRoute("/things/{number}", show, methods={"GET"}, operation_id="things_show")


def is_built(route) -> bool:
    return "dependant" in vars(route)


def scope_of(method, path):
    return {"type": "http", "method": method, "path": path, "headers": []}


def test_finding_a_route_does_not_build_it(late):
    assert late.matches(scope_of("GET", "/things/7"))[0] is Match.FULL
    assert late.matches(scope_of("POST", "/things/7"))[0] is Match.PARTIAL
    assert late.matches(scope_of("GET", "/others/7"))[0] is Match.NONE
    assert (late.name, late.methods, late.path_format) == ("show", {"GET"}, "/things/{number}")
    assert "things" in repr(late)
    assert not hasattr(late, "__wrapped__")
    assert not is_built(late)


def test_a_look_at_the_rest_builds_it(late):
    assert late.operation_id == "things_show"
    assert is_built(late)
    assert [field.name for field in late.dependant.path_params] == ["number"]


def test_many_threads_may_look_at_once(late, monkeypatch):
    calls = []
    monkeypatch.setattr(
        LateRoute, "build", lambda self, **given: calls.append(1) or slowly(self, given)
    )
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: late.operation_id, range(4)))
    assert (found, calls) == (["things_show"] * 4, [1])


def slowly(route, given):
    time.sleep(0.05)
    APIRoute.__init__(route, route.path, route.endpoint, **given)


def test_what_cannot_be_built_says_so_each_time(late, monkeypatch):
    monkeypatch.setattr(LateRoute, "build", fail)
    for _ in range(2):
        with pytest.raises(ValueError, match="no such type"):
            _ = late.dependant


def fail(route, **given):
    raise ValueError("no such type")


@pytest.mark.parametrize("built", [True, False])
def test_what_no_route_has_is_an_attribute_error(late, built):
    if built:
        assert late.dependant
    with pytest.raises(AttributeError, match="'LateRoute' object has no attribute 'nothing'"):
        _ = late.nothing


def test_it_is_told_in_the_document_as_any_other(late):
    plain, ours = FastAPI(), FastAPI()
    plain.get("/things/{number}", operation_id="things_show")(show)
    ours.router.routes.append(late)
    assert ours.openapi() == plain.openapi()


async def test_a_late_router_answers_all_under_its_prefix(monkeypatch):
    calls = []

    class Recording(APIRouter):
        async def __call__(self, scope, receive, send):
            calls.append(scope["path"])

    router = LateRouter("/things", "app.identity.scim.edge")
    monkeypatch.setattr("app.identity.scim.edge.router", Recording())
    assert router.matches(scope_of("GET", "/things"))[0] is Match.NONE
    assert router.matches(scope_of("GET", "/thingsmore"))[0] is Match.NONE
    assert router.matches(scope_of("DELETE", "/things/7"))[0] is Match.FULL
    await asyncio.gather(
        *(router.handle(scope_of("GET", path), None, None) for path in ("/things/1", "/things/2"))
    )
    assert sorted(calls) == ["/things/1", "/things/2"]
