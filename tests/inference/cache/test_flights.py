"""Identical calls under way: made once, whoever comes and goes."""

import asyncio

import pytest

from app.inference.cache.flights import Flights, LeaderFailed


class Upstream:
    """Counts how often it is asked, and gives one number after another as it is let."""

    def __init__(self, count: int = 5, *, fails_at: int | None = None) -> None:
        self.asked = self.cancelled = 0
        self.gate = asyncio.Event()
        self._count = count
        self._fails_at = fails_at

    async def work(self, put):
        self.asked += 1
        try:
            for number in range(self._count):
                if number:
                    await self.gate.wait()
                if number == self._fails_at:
                    raise ConnectionError
                put(number)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise


async def listen(flights, upstream, key="k"):
    async with flights.join(key, upstream.work) as (heard, _):
        return [item async for item in heard]


async def test_fifty_identical_calls_ask_once_and_all_hear_everything():
    flights, upstream = Flights(), Upstream()
    asking = [asyncio.create_task(listen(flights, upstream)) for _ in range(49)]
    await asyncio.sleep(0)
    asking.append(asyncio.create_task(listen(flights, upstream)))
    await asyncio.sleep(0)
    upstream.gate.set()
    assert await asyncio.gather(*asking) == [[0, 1, 2, 3, 4]] * 50
    assert upstream.asked == 1
    assert len(flights) == 0


async def test_another_key_asks_on_its_own():
    flights, upstream = Flights(), Upstream()
    upstream.gate.set()
    await asyncio.gather(listen(flights, upstream, "a"), listen(flights, upstream, "b"))
    assert upstream.asked == 2


async def test_the_leaders_leaving_does_not_end_the_call_for_the_others():
    flights, upstream = Flights(), Upstream()
    leader = asyncio.create_task(listen(flights, upstream))
    await asyncio.sleep(0.01)
    follower = asyncio.create_task(listen(flights, upstream))
    await asyncio.sleep(0.01)
    leader.cancel()
    await asyncio.gather(leader, return_exceptions=True)
    upstream.gate.set()
    assert await follower == [0, 1, 2, 3, 4]
    assert (upstream.asked, upstream.cancelled) == (1, 0)


async def test_the_call_ends_when_the_last_listener_has_left():
    flights, upstream = Flights(), Upstream()
    asking = [asyncio.create_task(listen(flights, upstream)) for _ in range(3)]
    await asyncio.sleep(0.01)
    for task in asking:
        task.cancel()
    await asyncio.gather(*asking, return_exceptions=True)
    await asyncio.sleep(0.01)
    assert upstream.cancelled == 1
    assert len(flights) == 0


async def test_who_has_heard_nothing_goes_on_alone_when_the_leader_fails():
    flights, upstream = Flights(), Upstream(fails_at=0)

    async def stalled(put):
        await upstream.gate.wait()
        raise ConnectionError

    upstream.work = stalled
    leader = asyncio.create_task(listen(flights, upstream))
    await asyncio.sleep(0.01)
    follower = asyncio.create_task(listen(flights, upstream))
    await asyncio.sleep(0.01)
    upstream.gate.set()
    with pytest.raises(ConnectionError):
        await leader
    with pytest.raises(LeaderFailed):
        await follower


async def test_who_has_heard_a_part_is_told_of_the_failure_itself():
    flights, upstream = Flights(), Upstream(fails_at=2)
    asking = [asyncio.create_task(listen(flights, upstream)) for _ in range(3)]
    await asyncio.sleep(0.01)
    upstream.gate.set()
    got = await asyncio.gather(*asking, return_exceptions=True)
    assert [type(each) for each in got] == [ConnectionError] * 3
    assert upstream.asked == 1


async def test_who_comes_late_hears_it_from_the_beginning():
    flights, upstream = Flights(), Upstream()
    early = asyncio.create_task(listen(flights, upstream))
    await asyncio.sleep(0.01)
    late = asyncio.create_task(listen(flights, upstream))
    upstream.gate.set()
    assert await late == await early == [0, 1, 2, 3, 4]
