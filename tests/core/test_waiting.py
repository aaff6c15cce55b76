"""A deadline is asyncio's timeout, and the remembered loop is the one that runs."""

import asyncio

import pytest

from app.core.waiting import deadline, running_loop


async def test_what_takes_longer_than_its_deadline_is_cut():
    with pytest.raises(TimeoutError), deadline(0.01):
        await asyncio.sleep(5)
    task = asyncio.current_task()
    assert task is not None
    assert not task.cancelling()


async def test_who_has_no_time_left_may_still_do_what_takes_none():
    with deadline(-1):
        pass
    with pytest.raises(TimeoutError), deadline(-1):
        await asyncio.sleep(5)


async def test_what_is_done_in_time_is_not():
    with deadline(0.05):
        pass
    await asyncio.sleep(0.1)


async def test_who_is_cancelled_by_somebody_else_stays_cancelled():
    async def wait() -> None:
        with deadline(5):
            await asyncio.sleep(5)

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_who_is_cancelled_just_as_its_time_is_up_stays_cancelled():
    async def wait() -> None:
        with deadline(0):
            loop.call_soon(task.cancel)
            await asyncio.sleep(5)

    loop = running_loop()
    task = asyncio.create_task(wait())
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelling() == 1


async def test_of_two_deadlines_the_one_that_is_over_is_told():
    with pytest.raises(TimeoutError), deadline(0.01), deadline(5):
        await asyncio.sleep(5)


def test_each_loop_of_a_thread_is_known_while_it_runs():
    async def here() -> bool:
        return running_loop() is asyncio.get_running_loop()

    assert asyncio.run(here())
    assert asyncio.run(here())
    with pytest.raises(RuntimeError, match="no running event loop"):
        running_loop()
