"""What is opened with its first use."""

import asyncio
from contextvars import ContextVar

import pytest

from app.core.late import Late

CALLER: ContextVar[str] = ContextVar("caller", default="nobody")


class Door:
    """Opens when it is told to; counts how often it was tried."""

    def __init__(self):
        self.tries = 0
        self.callers = []
        self.error = None
        self.may = asyncio.Event()
        self.may.set()

    async def open(self):
        self.tries += 1
        self.callers.append(CALLER.get())
        await self.may.wait()
        if self.error is not None:
            raise self.error


async def test_it_is_opened_once_however_many_ask():
    door = Door()
    late = Late(door.open)
    assert not late.is_open
    await asyncio.gather(*(late.opened() for _ in range(5)))
    await late.opened()
    assert late.is_open
    assert door.tries == 1


async def test_all_who_wait_hear_why_it_failed_and_the_next_one_tries_again():
    door = Door()
    door.error = OSError("no room")
    late = Late(door.open)
    heard = await asyncio.gather(late.opened(), late.opened(), return_exceptions=True)
    assert heard == [door.error, door.error]
    assert (door.tries, late.is_open) == (1, False)
    door.error = None
    await late.opened()
    assert (door.tries, late.is_open) == (2, True)


async def test_who_goes_away_leaves_it_to_the_others():
    door = Door()
    door.may.clear()
    late = Late(door.open)
    first, second = asyncio.create_task(late.opened()), asyncio.create_task(late.opened())
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    door.may.set()
    await second
    assert door.tries == 1


async def test_it_is_no_part_of_the_request_that_opens_it():
    door = Door()
    late = Late(door.open)
    CALLER.set("a request")
    await late.opened()
    assert door.callers == ["nobody"]


async def test_closed_it_gives_up_what_is_under_way():
    door = Door()
    door.may.clear()
    late = Late(door.open)
    waiting = asyncio.create_task(late.opened())
    await asyncio.sleep(0)
    await late.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not late.is_open
