"""One cell of the table: a case in a dialect, by a client, in front of an upstream."""

import asyncio
from dataclasses import dataclass
from typing import Literal, Protocol

from tests.conformance.answering import action_of
from tests.conformance.case import GREETING, Case, Dialect, Json, wire_of
from tests.conformance.paths import get, matches
from tests.conformance.reading import read
from tests.inference.relay.conftest import MODELS
from tests.support.fakes.base import Fake

HANGS_UP_WITHIN = 0.5
WITHOUT_A_MODEL = frozenset({"models", "embed"})


class Clients(Protocol):
    """The SDKs of one language."""

    async def run(self, ask: Json) -> Json: ...


@dataclass(frozen=True)
class Workspace:
    """Whose key asks, at which address; the fakes are its providers, by their kind."""

    address: str
    key: str
    fakes: dict[str, Fake]


@dataclass(frozen=True)
class Cell:
    """`sentence` is why it is refused, or how it failed."""

    state: Literal["passes", "refused", "fails"]
    sentence: str = ""


async def run(
    case: Case, dialect: Dialect, upstream: str, clients: Clients, place: Workspace
) -> Cell:
    fake = place.fakes[upstream]
    for each in place.fakes.values():
        each.script.clear()
        each.requests.clear()
    if case.operation not in ("count", "models", "model") and case.model is None:
        fake.will(action_of(case.says))
    model = case.model or (route_from(upstream) if case.routed else model_of(upstream))
    result = await clients.run(asked(case, dialect, place, model, case.asks[dialect]))
    if dialect in case.then and "error" not in result:
        again = case.then[dialect](result["answer"])
        fake.requests.clear()
        result = await clients.run(asked(case, dialect, place, model, again))
    found = read(dialect, result)
    if is_refusal(case, found, fake):
        return Cell("refused", found["error"]["message"])
    wrong = [*wrongly_read(case, dialect, upstream, found), *wrongly_sent(case, fake)]
    if case.operation == "abort" and not await hung_up(fake):
        wrong.append("the upstream was not closed")
    return Cell("fails", "; ".join(wrong)) if wrong else Cell("passes")


def model_of(upstream: str) -> str:
    return f"{upstream}/{MODELS[upstream]}"


def route_from(upstream: str) -> str:
    """The route that asks this upstream first."""
    return f"from-{upstream}"


def asked(case: Case, dialect: Dialect, place: Workspace, model: str, more: Json) -> Json:
    args = {} if case.operation in WITHOUT_A_MODEL else dict(GREETING[dialect])
    if case.operation == "model":
        args = {}
    if case.operation == "count":
        args.pop("max_tokens", None)
    return {
        "dialect": dialect,
        "operation": case.operation,
        "address": place.address,
        "key": case.key or place.key,
        "args": args | {"model": model} | more,
        "extra": case.extras.get(dialect),
    }


def is_refusal(case: Case, found: Json, fake: Fake) -> bool:
    """A request that is answered 400 and never sent: what cannot be translated, by its name."""
    refused = found.get("error", {}).get("status") == 400 and not expects_error(case)
    return refused and not fake.requests


def expects_error(case: Case) -> bool:
    return any(path.startswith("error") for path in case.gives)


def wrongly_read(case: Case, dialect: Dialect, upstream: str, found: Json) -> list[str]:
    if "error" in found and not expects_error(case):
        return [f"error: {found['error']}"]
    expected = case.gives | case.only.get((dialect, upstream), {})
    return [
        f"{path} is {get(found, path)!r}, not {wanted!r}"
        for path, value in expected.items()
        if not matches(get(found, path), wanted := value(dialect) if callable(value) else value)
    ]


def wrongly_sent(case: Case, fake: Fake) -> list[str]:
    if not case.sent:
        return []
    wire = wire_of(fake)
    return [
        f"{path} was sent as {get(fake.last.body, path)!r}, not {value!r}"
        for path, value in case.sent.get(wire, {}).items()
        if not matches(get(fake.last.body, path), value)
    ]


async def hung_up(fake: Fake) -> bool:
    for _ in range(int(HANGS_UP_WITHIN / 0.01)):
        if not fake.in_flight:
            return True
        await asyncio.sleep(0.01)
    return False
