"""Routes that are built when they are needed, and routers that are imported then."""

import asyncio
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import ModuleType

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, APIRouter
from starlette.routing import Match

from app.core.http.late_route import LateRoute
from app.core.http.late_router import LateRouter, LateRouters
from app.core.http.problems import install_handlers


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


@pytest.fixture
def modules(monkeypatch):
    """Two modules by their names, and which of their routers have been asked for."""
    asked = []

    class Module(ModuleType):
        def __getattr__(self, name):
            asked.append(f"{self.__name__}:{name}")
            return self.routers[name]

    def router(prefix, *paths):
        made = APIRouter(prefix=prefix)
        for path in paths:
            made.add_api_route(path, partial(answer, f"{prefix}{path}"))
        return made

    for name, routers in (
        ("late_things", {"router": router("/v1/things", "", "/{number}")}),
        (
            "late_others",
            {
                "router": router("/hooks", "/{token}"),
                "of_things": router("/v1/things", "/{number}", "/{number}/parts"),
            },
        ),
    ):
        module = Module(name)
        module.routers = routers
        monkeypatch.setitem(sys.modules, name, module)
    return asked


async def answer(name: str):
    return name


LATE = (
    LateRouter("late_things", "/v1/things"),
    LateRouter("late_others:of_things", "/v1/things"),
    LateRouter("late_others", "/hooks"),
)


@pytest.fixture
async def client(modules):
    app = FastAPI()
    app.router.routes.append(LateRouters(LATE))
    install_handlers(app)
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v1/things", "/v1/things"),
        ("/v1/things/7", "/v1/things/{number}"),
        ("/v1/things/7/parts", "/v1/things/{number}/parts"),
        ("/hooks/7", "/hooks/{token}"),
    ],
)
async def test_late_routers_answer_what_is_under_their_prefixes(client, path, name):
    answer = await client.get(path)
    assert (answer.status_code, answer.json()) == (200, name)


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v1/thing", "/v1/thingsmore", "/hook/7", "/v1/hooks/7"]
)
async def test_what_is_under_none_of_them_imports_nothing(client, modules, path):
    assert (await client.get(path)).status_code == 404
    assert modules == []


async def test_they_refuse_as_any_router_does(client):
    assert (await client.get("/v1/things/7/nothing")).status_code == 404
    assert (await client.delete("/v1/things/7")).status_code == 405
    slash = await client.get("/v1/things/")
    assert (slash.status_code, slash.headers["location"]) == (307, "http://test/v1/things")


async def test_each_is_imported_with_the_first_request_for_it(client, modules):
    await client.get("/hooks/7")
    assert modules == ["late_others:router"]
    await asyncio.gather(*(client.get(f"/v1/things/{number}") for number in range(3)))
    assert set(modules) == {"late_others:router", "late_things:router", "late_others:of_things"}


def test_walking_them_finds_every_route_in_its_order(modules):
    assert [route.path for route in LateRouters(LATE).original_router.routes] == [
        "/v1/things", "/v1/things/{number}", "/v1/things/{number}", "/v1/things/{number}/parts",
        "/hooks/{token}",
    ]  # fmt: skip
