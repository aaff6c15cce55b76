"""Finding a route among many: the same one as when each is asked in turn."""

import re

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRouter
from starlette.routing import Match

from app.core.http.dispatch import Dispatch
from app.core.http.problems import install_handlers
from app.main import ROUTERS

ID = "0199b0de-4f4e-7c5a-9a53-0d6f3c1e2b4a"
METHODS = ("GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS")


def first(routes, method, path):
    scope = {"type": "http", "method": method, "path": path, "headers": []}
    return next((route for route in routes if route.matches(scope)[0] is Match.FULL), None)


@pytest.fixture(scope="module")
def whole():
    router = APIRouter()
    for each in ROUTERS:
        router.routes.extend(each.routes)
    return router


@pytest.mark.parametrize("value", [ID, "runs", "a-b"])
def test_each_route_of_the_service_is_found_as_before(whole, value):
    dispatch = Dispatch(whole)
    asked = 0
    for template in {getattr(route, "path", "/scim/v2/Users") for route in whole.routes}:
        path = re.sub(r"\{[^}]*\}", value, template)
        for method in METHODS:
            found = first(dispatch._candidates(path), method, path)
            assert found is first(whole.routes, method, path), (method, path)
            asked += 1
    assert asked > 1000


def test_few_are_asked(whole):
    dispatch = Dispatch(whole)
    assert len(dispatch._candidates("/v1/agents/short/runs")) < 12
    assert dispatch._candidates("/nothing/here") == dispatch._anywhere
    assert len(dispatch._anywhere) < 10


@pytest.fixture
def app():
    made = FastAPI()

    @made.get("/v1/things/{number}")
    async def show(number: int) -> str:
        return f"{number}"

    @made.get("/v1/things/")
    async def page() -> str:
        return "all"

    @made.get("/v1/files/{path:path}")
    async def fetch(path: str) -> str:
        return path

    @made.patch("/v1/things/{name}")
    @made.put("/v1/things/{name}")
    async def change(name: str) -> str:
        return name

    install_handlers(made)
    made.router.middleware_stack = Dispatch(made.router)
    return made


async def answer(app, method, path):
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://it") as client:
        return await client.request(method, path)


@pytest.mark.parametrize(
    ("method", "path", "status", "said"),
    [
        ("GET", "/v1/things/7", 200, "7"),
        ("GET", "/v1/things/seven", 422, None),
        ("POST", "/v1/things/7", 405, None),
        ("GET", "/v1/things/", 200, "all"),
        ("GET", "/v1/things", 307, None),
        ("GET", "/v1/files/a/b/c", 200, "a/b/c"),
        ("GET", "/v1/others/7", 404, None),
        ("GET", "/", 404, None),
    ],
)
async def test_what_no_route_takes_is_answered_as_ever(app, method, path, status, said):
    response = await answer(app, method, path)
    assert response.status_code == status
    if said is not None:
        assert response.json() == said


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        ("/v1/things/7", "GET, PATCH, PUT"),
        ("/v1/things/", "GET"),
        ("/v1/files/a/b/c", "GET"),
    ],
)
async def test_another_method_is_told_those_of_all_routes_at_its_address(app, path, allow):
    for method in ("POST", "HEAD", "OPTIONS"):
        response = await answer(app, method, path)
        assert (response.status_code, response.headers["allow"]) == (405, allow)
        assert response.headers["content-type"] == "application/problem+json"


async def test_a_route_that_is_added_later_is_found(app):
    assert (await answer(app, "GET", "/v1/late/1")).status_code == 404

    @app.get("/v1/late/{number}")
    async def late(number: int) -> int:
        return number

    assert (await answer(app, "GET", "/v1/late/1")).json() == 1
