import pytest

from app.inference.providers.errors import (
    ProviderAuthFailed,
    ProviderOverloaded,
    ProviderRateLimited,
    ProviderTimedOut,
)
from app.inference.providers.retry import Retry


class Failing:
    def __init__(self, *errors):
        self.errors = list(errors)
        self.calls = 0

    async def __call__(self):
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"


@pytest.fixture
def waits():
    return []


@pytest.fixture
def retry(waits):
    async def sleep(seconds):
        waits.append(seconds)

    return Retry(retries=3, sleep=sleep, jitter=lambda: 1.0)


def overloaded(wait=None):
    return ProviderOverloaded("Fake", retry_after=wait)


async def test_waits_grow_until_the_call_succeeds(retry, waits):
    assert await retry.call(Failing(overloaded(), overloaded(), overloaded())) == "done"
    assert waits == [0.5, 1.0, 2.0]


async def test_the_last_error_is_raised_when_the_retries_are_used_up(retry):
    failing = Failing(*[overloaded()] * 9)
    with pytest.raises(ProviderOverloaded):
        await retry.call(failing)
    assert failing.calls == 4


async def test_a_provider_is_given_the_time_it_asks_for(retry, waits):
    await retry.call(Failing(ProviderRateLimited("Fake", retry_after=7)))
    assert waits == [7]


async def test_one_that_asks_for_too_long_is_given_up_at_once(retry, waits):
    with pytest.raises(ProviderRateLimited) as caught:
        await retry.call(Failing(ProviderRateLimited("Fake", retry_after=21)))
    assert caught.value.retry_after == 21
    assert waits == []


@pytest.mark.parametrize("error", [ProviderAuthFailed("Fake"), ProviderTimedOut("Fake")])
async def test_what_another_try_cannot_help_is_raised_at_once(retry, waits, error):
    with pytest.raises(type(error)):
        await retry.call(Failing(error))
    assert waits == []


async def test_jitter_takes_any_part_of_the_wait(waits):
    async def sleep(seconds):
        waits.append(seconds)

    await Retry(1, sleep=sleep, jitter=lambda: 0.25).call(Failing(overloaded()))
    assert waits == [0.125]
