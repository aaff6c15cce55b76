"""kill -9 of the process that hands a batch over: the provider has it once, and it is paid once."""

from collections.abc import Callable, Iterator
from decimal import Decimal

import httpx2
import pytest

from app.core.config import Settings
from tests.inference.batches.test_batches import ended, line, make
from tests.inference.chaos.processes import Process, two_processes
from tests.support.chat import Talker, connected
from tests.support.fakes.openai_batches import FakeOpenAIBatches
from tests.support.identity import new_person
from tests.support.runs import until

# Of gpt-4o in a batch, of three lines.
COST = Decimal(3 * (120 * 125 + 50 * 500)) / 10**8


@pytest.fixture
def pair(apart: Callable[[str], Settings]) -> Iterator[list[Process]]:
    with two_processes(apart("killed")) as found:
        yield found


async def test_a_process_killed_while_it_submits_leaves_one_batch_that_is_paid_once(pair):
    dying, living = pair
    fake = FakeOpenAIBatches()
    fake.loses_answers = "hangs"
    async with httpx2.AsyncClient(timeout=30) as http:
        http.base_url = dying.address
        talker = Talker(http, await new_person(http))
        async with connected(talker, fake):
            batch = await make(talker, *(line(n, "openai/gpt-4o") for n in range(3)))
            await until(lambda: fake.batches)
            dying.kill()
            http.base_url = living.address
            fake.finish()
            done = await ended(talker, batch)
            run = (await talker.call("GET", f"/v1/runs/{batch['run_id']}")).json()
            query = {"limit": 50, "purpose": "batch"}
            calls = (await talker.call("GET", "/v1/usage/calls", params=query)).json()["data"]
    assert (done["status"], done["succeeded"]) == ("completed", 3)
    assert list(fake.batches) == ["batch_1"]
    assert not any(request.path.endswith("/chat/completions") for request in fake.requests)
    assert [call["status"] for call in calls] == ["succeeded"] * 3
    assert sum(Decimal(call["cost_usd"]) for call in calls) == pytest.approx(COST)
    assert Decimal(run["cost_usd"]) == pytest.approx(COST)
