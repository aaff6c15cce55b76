"""What an endpoint depends on: each once and in order, and what is wrong as FastAPI tells it."""

from typing import Annotated, Any

import httpx2
import pytest
from fastapi import Body, Depends, FastAPI, Form, Header, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel

from app.core.http.solving import Plan, UnfitEndpoint

log: list[str] = []


class Planned(APIRoute):
    def get_route_handler(self):
        whole = self.dependant
        self.dependant = Plan(whole, self.body_field, embeds=self._embed_body_fields).alone
        handler = super().get_route_handler()
        self.dependant = whole

        async def kept(request):
            # As StrictJsonRequest keeps it.
            if request.headers.get("content-type") == "application/json":
                request.parsed = await request.json()
            return await handler(request)

        return kept


class Page(BaseModel):
    limit: int = 5
    after: str | None = None


class Wish(BaseModel):
    text: str


def plain(request: Request) -> str:
    log.append("plain")
    return request.url.path


async def waited(path: Annotated[str, Depends(plain)]) -> str:
    log.append("waited")
    return f"waited {path}"


async def checked(
    first: Annotated[str, Depends(waited)],
    number: Annotated[int, Query(ge=0)] = 7,
    key: Annotated[str | None, Header(min_length=2)] = None,
) -> str:
    log.append("checked")
    return f"{first} {number} {key}"


async def opened(_: Annotated[str, Depends(waited)]):
    log.append("opened")
    try:
        yield "open"
    finally:
        log.append("closed")


async def headed(response: Response) -> None:
    response.headers["X-Headed"] = "yes"
    response.status_code = 201


Checked = Annotated[str, Depends(checked)]


async def endpoint(
    name: str,
    wish: Wish,
    page: Annotated[Page, Query()],
    said: Checked,
    again: Annotated[str, Depends(waited)],
    unit: Annotated[str, Depends(opened, scope="function")],
    once: Checked,
) -> dict[str, Any]:
    log.append("endpoint")
    told = {"name": name, "text": wish.text, "page": page, "said": said, "again": again}
    return {**told, "unit": unit, "same": said == once}


def app_of(route_class) -> FastAPI:
    app = FastAPI()
    app.router.route_class = route_class
    app.post("/things/{name}", dependencies=[Depends(headed)])(endpoint)
    app.post("/numbers")(numbers)
    app.get("/pair")(pair)
    return app


async def numbers(one: Annotated[int, Body()], two: Annotated[int, Body()] = 2) -> int:
    return one + two


async def strict(size: int) -> int:
    return size


async def double(size: Annotated[int, Depends(strict)]) -> int:
    return size * 2


async def pair(
    size: Annotated[int, Depends(strict)],
    twice: Annotated[int, Depends(double)],
    tags: Annotated[list[str], Query()] = [],  # noqa: B006 - FastAPI copies it
) -> list[Any]:
    return [size, twice, tags]


@pytest.fixture(params=[APIRoute, Planned], ids=["fastapi", "planned"])
def app(request):
    log.clear()
    return app_of(request.param)


async def ask(app, method, path, **sent):
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://it") as client:
        return await client.request(method, path, **sent)


async def test_each_dependency_is_asked_once_and_in_order(app):
    answer = await ask(app, "POST", "/things/it?limit=3&number=8", json={"text": "Hi"})
    assert answer.status_code == 201
    assert answer.headers["x-headed"] == "yes"
    assert answer.json() == {
        "name": "it",
        "text": "Hi",
        "page": {"limit": 3, "after": None},
        "said": "waited /things/it 8 None",
        "again": "waited /things/it",
        "unit": "open",
        "same": True,
    }
    assert log == ["plain", "waited", "checked", "opened", "endpoint", "closed"]


SENT: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/things/it", {"json": {"text": "Hi"}}),
    ("POST", "/things/it?number=-1", {"json": {"text": "Hi"}}),
    ("POST", "/things/it?number=x&limit=y", {"json": {"text": 7}, "headers": {"key": "k"}}),
    ("POST", "/things/it", {"json": {}}),
    ("POST", "/things/it", {}),
    ("POST", "/things/it", {"json": None}),
    ("POST", "/things/it", {"content": b"text", "headers": {"content-type": "text/plain"}}),
    ("POST", "/things/it?after=&limit=", {"json": {"text": "Hi"}, "headers": {"key": ""}}),
    ("POST", "/numbers", {"json": {"one": 1}}),
    ("POST", "/numbers", {"json": {"one": "x", "two": "y"}}),
    ("GET", "/pair", {}),
    ("GET", "/pair?size=x", {}),
    ("GET", "/pair?size=4&tags=a&tags=b", {}),
]


@pytest.mark.parametrize(("method", "path", "sent"), SENT)
async def test_answers_are_those_of_fastapi(method, path, sent):
    found = []
    for route_class in (APIRoute, Planned):
        log.clear()
        answer = await ask(app_of(route_class), method, path, **sent)
        found.append((answer.status_code, answer.json(), [*log]))
    assert found[0] == found[1]


async def test_a_default_that_was_given_is_no_longer_the_callers_to_change():
    app = app_of(Planned)
    for _ in range(2):
        answer = await ask(app, "GET", "/pair?size=4")
        assert answer.json() == [4, 8, []]


async def test_what_was_wrong_with_a_body_is_told_with_it():
    app = app_of(Planned)
    seen = []

    @app.exception_handler(RequestValidationError)
    async def keep(_, error):
        seen.append(error.body)
        return Response(status_code=422)

    await ask(app, "POST", "/things/it", json={"text": 7})
    await ask(app, "POST", "/things/it")
    assert seen == [{"text": 7}, None]


async def takes_a_form(name: Annotated[str, Form()]) -> str:
    return name


def sync_endpoint() -> str:
    return ""


class Callable:
    def __call__(self) -> str:
        return ""


async def takes_an_object(_: Annotated[str, Depends(Callable())]) -> None: ...


@pytest.mark.parametrize("unfit", [takes_a_form, sync_endpoint, takes_an_object])
def test_what_would_be_called_otherwise_is_refused(unfit):
    with pytest.raises(UnfitEndpoint):
        Planned("/x", unfit, methods=["POST"])
