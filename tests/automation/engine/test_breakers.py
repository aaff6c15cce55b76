"""Breakers of steps: what opens and closes them, and who shares one."""

import asyncio
from uuid import uuid4

import pytest
import pytest_asyncio

from app.automation.engine.breaking import Guard, blames, key_of
from app.automation.engine.sharing import Shared
from app.automation.language.flow import Breaker
from app.automation.nodes.node_type import StepFault
from tests.agents.web.conftest import Site, json_answer
from tests.support.chat import Talker
from tests.support.identity import new_person
from tests.support.workflows.office import Office


@pytest_asyncio.fixture(loop_scope="session")
async def office(client):
    return Office(Talker(client, await new_person(client)))


@pytest.fixture
def processes(app, address):
    """Two of them, of one workspace."""
    kernel, workspace_id = app.state.kernel, uuid4()
    return [Shared(kernel.database, kernel.valkey, workspace_id, uuid4()) for _ in range(2)]


def guard(attempt="a", cooldown=0.05):
    return Guard("svc", 2, cooldown, attempt, 60.0)


async def opened(shared, **more):
    for token in "xy":
        await shared.tried(guard(token, **more), failed=True)


async def test_opens_after_failures_in_a_row_for_all_processes(processes):
    here, there = processes
    for failed in (True, False, True):
        assert await here.closed_for(guard()) is None
        await here.tried(guard(), failed=failed)
    assert await there.closed_for(guard()) is None
    await here.tried(guard(cooldown=60), failed=True)
    assert 0 < await there.closed_for(guard(cooldown=60)) <= 60


async def test_what_says_nothing_is_neither_a_failure_nor_a_success(processes):
    here, _ = processes
    for failed in (True, None, None, True):
        await here.tried(guard(cooldown=60), failed=failed)
    assert await here.closed_for(guard(cooldown=60)) is not None


async def test_one_probe_at_a_time_decides_whether_it_closes(processes):
    here, there = processes
    await opened(here)
    await asyncio.sleep(0.1)
    tokens = [f"t{number}" for number in range(6)]
    sides = [here, there] * 3
    left = await asyncio.gather(
        *(side.closed_for(guard(token)) for side, token in zip(sides, tokens, strict=True))
    )
    assert sum(each is None for each in left) == 1
    probe = tokens[left.index(None)]
    # A probe that takes longer than the cooldown is still the only one.
    await asyncio.sleep(0.1)
    assert await there.closed_for(guard("other")) is not None
    # Those that had begun before say nothing of how it is now.
    await there.tried(guard("straggler"), failed=False)
    assert await there.closed_for(guard("other")) is not None
    await here.tried(guard(probe), failed=False)
    assert [await there.closed_for(guard(token)) for token in "pq"] == [None, None]


async def test_a_probe_that_ends_without_a_word_leaves_its_place_to_the_next(processes):
    here, there = processes
    await opened(here)
    await asyncio.sleep(0.1)
    assert await here.closed_for(guard("first")) is None
    await here.tried(guard("first"), failed=None)
    assert await there.closed_for(guard("second", cooldown=60)) is None
    await there.tried(guard("second", cooldown=60), failed=True)
    assert await here.closed_for(guard("third", cooldown=60)) > 1


async def test_stragglers_do_not_keep_it_open_for_longer(processes):
    here, _ = processes
    await opened(here, cooldown=60)
    left = await here.closed_for(guard(cooldown=3600))
    await here.tried(guard("straggler", cooldown=3600), failed=True)
    assert await here.closed_for(guard(cooldown=3600)) <= left


@pytest.mark.parametrize(
    ("code", "retryable", "counts"),
    [
        ("timeout", True, True),
        ("unreachable", True, True),
        ("rate_limited", True, True),
        ("http_status", True, True),
        ("provider_overloaded", True, True),
        ("http_status", False, None),
        ("settings_invalid", False, None),
        ("credential_unusable", False, None),
        ("unavailable", True, None),
        ("too_many_calls", True, None),
    ],
)
def test_what_tells_that_the_other_side_is_not_well_counts(code, retryable, counts):
    assert blames(StepFault(code, "It failed.", retryable=retryable)) is counts


def test_a_long_key_is_short_in_the_store():
    names = {"inputs": {"text": "x" * 10_000}}
    keys = {key_of(Breaker(key="{{ inputs.text }}" + end), names, "") for end in "ab"}
    assert len(keys) == 2
    assert max(map(len, keys)) < 200


def calling(url, **breaker):
    guarded = {"failures": 2, "cooldown": "1h"} | breaker
    step = {"id": "call", "type": "http", "with": {"url": url}, "breaker": guarded}
    return {"nodes": [step], "outputs": "{{ nodes.call.output.status }}"}


async def code_of(office, slug):
    run = await office.run(slug)
    return "ok" if run["status"] == "completed" else run["error"]["errors"][0]["code"]


async def test_without_a_key_those_that_call_the_same_service_share_one(office):
    down = json_answer({"error": "no"}, status=503)
    async with Site(x=down, y=down) as site, Site(x=json_answer({})) as other:
        await office.make("one", **calling(f"{site.url}/x"))
        await office.make("two", **calling(f"{site.url}/y"))
        await office.make("three", **calling(f"{other.url}/x"))
        said = [await code_of(office, slug) for slug in ("one", "one", "one", "two", "three")]
        assert said == ["http_status", "http_status", "breaker_open", "breaker_open", "ok"]
        assert len(site.asked) == 2


async def test_reading_rows_of_a_service_shares_one_too(office, app):
    def reading(url):
        options = {"url": url, "rows": ""}
        settings = {"connector": "http_rows", "operation": "read", "options": options}
        guarded = {"failures": 2, "cooldown": "1h"}
        return {"nodes": [{"id": "r", "type": "connector", "with": settings, "breaker": guarded}]}

    down = json_answer({"error": "no"}, status=503)
    async with Site(x=down, y=down) as site, Site(x=json_answer([])) as other:
        await office.make("one", **reading(f"{site.url}/x"))
        await office.make("two", **reading(f"{site.url}/y"))
        await office.make("three", **reading(f"{other.url}/x"))
        said = [await code_of(office, slug) for slug in ("one", "one", "two", "three")]
    assert said == ["http_status", "http_status", "breaker_open", "ok"]
    node = app.state.automation.nodes.get("connector")
    for options, target in (({"database": "shop"}, "database shop"), ({}, None)):
        name = "database" if options else "files"
        config = node.config(connector=name, operation="read", options=options)
        assert node.target(config) == target


async def test_answers_that_blame_the_caller_neither_open_nor_close_it(office):
    statuses = [422, 422, 503, 422, 503]

    def answer(request):
        return json_answer({"error": "no"}, status=statuses.pop(0))

    async with Site(x=answer) as site:
        await office.make("unfit", **calling(f"{site.url}/x", key="unfit"))
        assert [await code_of(office, "unfit") for _ in range(5)] == ["http_status"] * 5
        assert await code_of(office, "unfit") == "breaker_open"
