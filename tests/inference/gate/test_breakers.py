"""The breakers' script does as a plain model of its promise does, shared by all processes."""

import asyncio
from dataclasses import dataclass, field
from uuid import uuid4

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.kernel import connect_valkey
from app.core.scripts import Shared
from app.inference.gate.errors import AllResting, NoCandidateReady
from app.inference.gate.gate import Settlement
from app.inference.gate.script import gate_script
from app.inference.providers.errors import (
    ContentFiltered,
    ContextTooLong,
    ProviderFailed,
    ProviderRateLimited,
    ProviderRejected,
    ProviderUnreachable,
)
from tests.inference.gate.conftest import LOAD, candidate, process
from tests.inference.gate.test_admitting import DONE

SECOND = 1_000_000


@dataclass
class Model:
    """What the gate promises of one deployment."""

    calls: list = field(default_factory=list)  # (slot, good)
    openings: int = 0
    open_until: int = 0
    probe: str | None = None
    probe_until: int = 0
    paused_until: int = 0

    def wait(self, at):
        wait = max(self.paused_until - at, 0)
        if self.openings:
            wait = max(wait, self.open_until - at)
            if self.probe:
                wait = max(wait, self.probe_until - at)
        return wait

    def ask(self, call, at):
        """Whether the call may be made, and whether it is a probe."""
        if self.wait(at):
            return False, False
        if not self.openings:
            return True, False
        self.probe, self.probe_until = call, at + 30 * SECOND
        return True, True

    def _open(self, at, jitter):
        self.openings += 1
        seconds = min(5 * 2 ** (self.openings - 1), 300)
        self.open_until = at + int(seconds * SECOND * (1 - 0.2 * jitter))
        self.probe, self.calls = None, []

    def ended(self, call, said, at, jitter):
        if said == "pause":
            self.paused_until = max(self.paused_until, at + 20 * SECOND)
        if self.openings:
            if self.probe == call:
                self._probed(said, at, jitter)
        elif said in {"good", "bad"}:
            self._count(said, at, jitter)

    def _probed(self, said, at, jitter):
        self.probe = None
        if said == "bad":
            self._open(at, jitter)
        elif said == "good":
            self.openings, self.calls = 0, []

    def _count(self, said, at, jitter):
        slot = at // (5 * SECOND)
        self.calls = [(s, good) for s, good in self.calls if slot - 6 < s] + [
            (slot, said == "good")
        ]
        bad = sum(not good for _, good in self.calls)
        if said == "bad" and bad >= 5 and bad * 2 >= len(self.calls):
            self._open(at, jitter)


STEP = st.tuples(
    st.sampled_from([0, 1, SECOND, 4 * SECOND, 6 * SECOND, 31 * SECOND, 301 * SECOND]),
    st.sampled_from(["ask", "ask", "bad", "bad", "bad", "good", "none", "pause"]),
    st.integers(0, 3),
    st.sampled_from([0, 0.25, 0.5]),
)


@settings(max_examples=200, deadline=None)
@given(steps=st.lists(STEP, min_size=5, max_size=60))
def test_the_script_and_the_model_agree(steps, stores):
    async def play():
        client = connect_valkey(stores[1])
        try:
            await follow(client, steps)
        finally:
            await client.aclose()

    asyncio.run(play())


async def follow(client, steps):
    scripts = [gate_script(client), gate_script(client)]
    model, run = Model(), uuid4().hex
    key, executor = f"breaker:{run}", f"test:{run}"
    at, sequence, under_way = 10**15, 0, [uuid4().hex]
    shared = Shared(orjson.dumps([executor, 1, [], 0, [], [], [[key, 1, []]]]), b"")
    for number, (passed, action, which, jitter) in enumerate(steps):
        at += passed
        script = scripts[number % 2]
        if action == "ask":
            call = uuid4().hex
            asked, own = orjson.dumps(["admit", at, 0, [None], 0]), f'"{call}","{run}"'.encode()
            answer = await script.ask(asked, b'{"reserved":', shared=shared, own=own)
            shut = ["no", {}, ["shut", model.wait(at), int(not model.openings)]]
            admitted, probe = model.ask(call, at)
            assert answer == (["yes", {}, 1, int(probe)] if admitted else shut)
            under_way += [call] * admitted
        else:
            call = under_way[-1 - which % len(under_way)]
            beside = 20 * SECOND if action == "pause" else jitter
            sequence += 1
            note, terms = [call, 0, 1, [], [key, action, beside], ""], [[], []]
            notes = orjson.dumps(["notes", at, [executor, sequence, [note], [], [], [terms]]])
            assert await script.ask(notes) == ["done", {}]
            model.ended(call, action, at, jitter)
        ((state, _, wait),) = await script.ask(orjson.dumps(["standing", at, [key]]))
        assert wait == model.wait(at)
        if model.openings:
            assert state == ("open" if at < model.open_until else "half_open")
        else:
            assert state == ("paused" if wait else "closed")


async def fail(gate, payer, error, times=5, one=None):
    for _ in range(times):
        call = (await gate.admit(payer, None, (), [one or candidate()], LOAD)).call
        gate.settle(call, Settlement("failed", error=error))
        await gate._outbox.flush()


async def test_a_deployment_that_fails_is_left_alone_by_every_process(kernel, payer):
    async with process(kernel) as one, process(kernel) as other:
        await fail(one.gate, payer, ProviderFailed("OpenAI"))
        with pytest.raises(NoCandidateReady) as refused:
            await other.gate.admit(payer, None, (), [candidate()], LOAD)
        assert 3 < refused.value.retry_after <= 5
        spare = candidate("spare")
        call = (await other.gate.admit(payer, None, (), [candidate(), spare], LOAD)).call
        assert call.candidate is spare
        other.gate.settle(call, DONE)
        standing = await other.gate.standing(
            payer.workspace_id, [candidate().deployment, spare.deployment]
        )
        assert [found.state for found in standing.values()] == ["open", "closed"]
        assert standing[candidate().deployment].next_probe is not None


async def test_as_many_good_calls_keep_it_closed(kernel, payer):
    async with process(kernel) as mine:
        for _ in range(10):
            call = (await mine.gate.admit(payer, None, (), [candidate()], LOAD)).call
            mine.gate.settle(call, DONE)
        await mine.outbox.flush()
        await fail(mine.gate, payer, ProviderUnreachable("OpenAI"), 9)
        await mine.gate.admit(payer, None, (), [candidate()], LOAD)
        await fail(mine.gate, payer, ProviderUnreachable("OpenAI"), 1)
        with pytest.raises(NoCandidateReady):
            await mine.gate.admit(payer, None, (), [candidate()], LOAD)


@pytest.mark.parametrize("error", [ProviderRejected, ContentFiltered, ContextTooLong])
async def test_what_the_caller_did_wrong_is_not_held_against_it(kernel, payer, error):
    async with process(kernel) as mine:
        await fail(mine.gate, payer, error("OpenAI"), 8)
        await mine.gate.admit(payer, None, (), [candidate()], LOAD)


async def test_a_provider_that_asks_for_a_pause_gets_it(kernel, payer):
    async with process(kernel) as mine:
        await fail(mine.gate, payer, ProviderRateLimited("OpenAI", retry_after=7), 1)
        with pytest.raises(AllResting) as refused:
            await mine.gate.admit(payer, None, (), [candidate()], LOAD)
        assert refused.value.status == 429
        assert 6 < refused.value.retry_after <= 7
        deployment = candidate().deployment
        standing = await mine.gate.standing(payer.workspace_id, [deployment])
        assert standing[deployment].state == "paused"


async def test_one_that_fails_beside_one_that_rests_is_no_limit_of_the_rate(kernel, payer):
    async with process(kernel) as mine:
        failing, resting = candidate("failing"), candidate("resting")
        await fail(mine.gate, payer, ProviderFailed("OpenAI"), one=failing)
        await fail(mine.gate, payer, ProviderRateLimited("OpenAI", retry_after=7), 1, resting)
        with pytest.raises(NoCandidateReady) as refused:
            await mine.gate.admit(payer, None, (), [resting, failing], LOAD)
        assert refused.value.status == 503
        assert refused.value.retry_after <= 5
