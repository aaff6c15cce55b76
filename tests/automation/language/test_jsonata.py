"""JSONata gives what it gives, and whatever else it would do ends with its process."""

import asyncio
import sys

import pytest
import pytest_asyncio

from app.automation.language.faults import StepFault
from app.automation.language.jsonata import Bounds, Jsonata, mistake_in_jsonata

ORDERS = {"orders": [{"who": "a", "sum": 1.5}, {"who": "b", "sum": 2}, {"who": "a", "sum": 3}]}
ENDLESS = "($f := function($x){$f($x + 1)}; $f(1))"


@pytest_asyncio.fixture
async def jsonata():
    opened = Jsonata(Bounds(seconds=3.0, at_once=1, most_bytes=100_000))
    yield opened
    await opened.close()


async def code_of(jsonata, expression, value=None):
    with pytest.raises(StepFault) as raised:
        await jsonata.evaluate(expression, value)
    return raised.value.code


async def test_gives_json_from_one_process_after_another(jsonata):
    assert await jsonata.evaluate("orders{who: $sum(sum)}", ORDERS) == {"a": 4.5, "b": 2}
    assert await jsonata.evaluate("nothing", ORDERS) is None
    assert await code_of(jsonata, "/a/") == "jsonata_failed"
    assert await code_of(jsonata, "$pad('x', 2000000000)") == "jsonata_too_large"
    assert await code_of(jsonata, "$pad('x', 100000)") == "jsonata_too_large"
    assert await code_of(jsonata, "1", "x" * 100_000) == "jsonata_too_large"
    assert await code_of(jsonata, "'a' + 1") == "jsonata_failed"
    assert await code_of(jsonata, "($f := function($x){1 + $f($x)}; $f(1))") == "jsonata_failed"
    together = [jsonata.evaluate(f"{number} + 1", None) for number in range(3)]
    assert await asyncio.gather(*together) == [1, 2, 3]


async def test_is_killed_when_it_takes_too_long_or_is_given_up():
    jsonata = Jsonata(Bounds(seconds=4, at_once=1))
    assert await code_of(jsonata, ENDLESS) == "jsonata_timeout"
    assert await jsonata.evaluate("1 + 1", None) == 2
    asked = asyncio.ensure_future(jsonata.evaluate(ENDLESS, None))
    await asyncio.sleep(0.2)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert await jsonata.evaluate("1 + 2", None) == 3
    await jsonata.close()


async def test_the_time_that_its_process_takes_to_begin_is_not_the_expressions(
    tmp_path, monkeypatch
):
    slow = tmp_path / "slow"
    slow.write_text(f'#!/bin/sh\nsleep 2\nexec {sys.executable} "$@"\n')
    slow.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(slow))
    jsonata = Jsonata(Bounds(seconds=1.5))
    assert await jsonata.evaluate("1 + 1", None) == 2
    await jsonata.close()


def test_syntax_is_known_without_a_process():
    assert mistake_in_jsonata("orders[sum > 1].who") is None
    assert mistake_in_jsonata("orders[") is not None
    assert mistake_in_jsonata("(" * 4000) is not None
