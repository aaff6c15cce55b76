"""Small work in the background: bounded, and done before the end."""

import asyncio

from redis.exceptions import RedisError
from structlog.testing import capture_logs

from app.core import tasks
from app.core.tasks import Background


async def test_what_is_under_way_is_done_before_the_end():
    done, background = [], Background()

    async def work(number):
        await asyncio.sleep(0.02)
        done.append(number)

    for number in range(20):
        background.soon("work", lambda n=number: work(n))
    await background.close()
    assert sorted(done) == list(range(20))


async def test_a_few_run_at_once():
    running, most, background = 0, 0, Background()

    async def work():
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1

    for _ in range(30):
        background.soon("work", work)
    await background.close()
    assert most == tasks.AT_ONCE


async def test_beyond_a_bound_work_is_dropped_and_the_log_says_so(monkeypatch):
    monkeypatch.setattr(tasks, "MOST_WAITING", 2)
    done, background = [], Background()

    async def work():
        done.append(1)

    with capture_logs() as told:
        for _ in range(3):
            background.soon("work", work)
        await background.close()
    assert len(done) == 2
    assert [(each["event"], each["what"]) for each in told] == [("background_work_dropped", "work")]


async def test_a_store_that_is_away_fails_nothing_else():
    done, background = [], Background()

    async def fail():
        raise RedisError("away")

    async def work():
        done.append(1)

    with capture_logs() as told:
        background.soon("unlock", fail)
        background.soon("work", work)
        await background.close()
    assert done == [1]
    assert [each["event"] for each in told] == ["background_work_failed"]


async def test_what_hangs_is_cut_off_at_the_end(monkeypatch):
    monkeypatch.setattr(tasks, "ENDING_SECONDS", 0.05)
    background = Background()
    background.soon("work", lambda: asyncio.sleep(60))
    async with asyncio.timeout(5):
        await background.close()
