"""An answer that goes wrong: each fault is its error, told after the text that came before it."""

import asyncio
from contextlib import aclosing

from app.inference.providers.contract.bench import Bench, Contract
from app.inference.providers.contract.checks import (
    Waiting,
    ask,
    both_ways,
    error_of,
    expect,
    running,
    same,
    soon,
    until_error,
)
from app.inference.providers.contract.script import KEY, Answer, Refusal, Said
from app.inference.providers.errors import (
    ProviderAuthFailed,
    ProviderError,
    ProviderFailed,
    ProviderGarbled,
    ProviderInterrupted,
    ProviderOverloaded,
    ProviderRateLimited,
    ProviderTimedOut,
    ProviderUnreachable,
)
from app.inference.providers.types import TextDelta

IMPATIENT = Waiting(first_token=0.3, between_tokens=0.3)
FIRST, SECOND, _ = Said().text


class Failing(Contract):
    async def refused(self, bench: Bench, refusal: Refusal, *kinds: type[ProviderError]) -> None:
        """Both ways of asking are refused with one of these errors."""
        for call in both_ways(bench.provider, ask()):
            bench.upstream.will(refusal)
            error = await error_of(kinds, call)
            same(error.upstream_status, refusal.status, "The upstream's status")
            same(error.retry_after, refusal.retry_after, "The wait")

    async def test_a_wrong_key_is_an_auth_failure(self) -> None:
        async with self.opened("another-key-0123456789") as bench:
            for call in both_ways(bench.provider, ask()):
                await error_of((ProviderAuthFailed,), call)
            await error_of((ProviderAuthFailed,), bench.provider.check())

    async def test_a_rate_limit_says_how_long_to_wait(self) -> None:
        async with self.opened() as bench:
            await self.refused(bench, Refusal(429, retry_after=7), ProviderRateLimited)

    async def test_a_failing_vendor_may_be_asked_again(self) -> None:
        async with self.opened() as bench:
            await self.refused(bench, Refusal(500), ProviderFailed, ProviderOverloaded)

    async def test_a_key_that_is_echoed_is_in_no_error(self) -> None:
        async with self.opened() as bench:
            for status in (400, 401, 500):
                bench.upstream.will(Refusal(status, f"The key {KEY} is not liked."))
                error = await error_of((ProviderError,), bench.provider.complete(ask()))
                expect(KEY not in str(error.problem()), "An error should not hold the key.")
        expect(KEY not in repr(bench.provider), "The provider's repr should not hold the key.")

    async def test_a_vendor_that_is_not_there_is_unreachable(self) -> None:
        async with self.opened() as bench:
            await bench.upstream.__aexit__(None, None, None)
            for call in both_ways(bench.provider, ask()):
                await error_of((ProviderUnreachable,), call)

    async def test_a_whole_answer_that_cannot_be_read_is_garbled(self) -> None:
        async with self.opened() as bench:
            bench.upstream.will(Answer(then="garbage"))
            await error_of((ProviderGarbled,), bench.provider.complete(ask()))

    async def test_a_whole_answer_that_breaks_off_is_no_answer(self) -> None:
        async with self.opened() as bench:
            bench.upstream.will(Answer(then="cut"))
            kinds = (ProviderInterrupted, ProviderUnreachable, ProviderGarbled)
            await error_of(kinds, bench.provider.complete(ask()))

    async def test_a_cut_before_the_first_token_was_no_answer(self) -> None:
        async with self.opened() as bench:
            bench.upstream.will(Answer(pieces=0, then="cut"))
            text, error = await until_error(bench.provider, ask())
        same((text, type(error)), ("", ProviderUnreachable), "Text and error")

    async def test_a_cut_in_midstream_is_told_after_what_came(self) -> None:
        async with self.opened() as bench:
            bench.upstream.will(Answer(pieces=2, then="cut"))
            text, error = await until_error(bench.provider, ask())
        same((text, type(error)), (FIRST + SECOND, ProviderInterrupted), "Text and error")

    async def test_garbage_in_midstream_is_told_after_what_came(self) -> None:
        async with self.opened() as bench:
            bench.upstream.will(Answer(pieces=1, then="garbage"))
            text, error = await until_error(bench.provider, ask())
        same((text, type(error)), (FIRST, ProviderGarbled), "Text and error")

    async def test_an_error_inside_the_stream_is_told_after_what_came(self) -> None:
        self.needs("errors_inside")
        async with self.opened() as bench:
            bench.upstream.will(Answer(pieces=1, then="error"))
            text, error = await until_error(bench.provider, ask())
        same(text, FIRST, "The text")
        expect("inside its answer" in error.detail, "The error should say what the vendor said.")

    async def test_an_end_without_its_closing_marker_is_no_clean_end(self) -> None:
        async with self.opened() as bench:
            for pieces in (2, None):
                bench.upstream.will(Answer(pieces=pieces, then="end"))
                text, error = await until_error(bench.provider, ask())
                same(text, "".join(Said().text[:pieces]), "The text")
                expect(
                    isinstance(error, ProviderGarbled | ProviderInterrupted),
                    f"The error should say that the answer broke off, not {error.detail!r}.",
                )

    async def test_a_first_token_that_comes_too_late_is_not_waited_for(self) -> None:
        async with self.opened() as bench:
            bench.upstream.will(Answer(pieces=0, then="silence"))
            text, error = await until_error(bench.provider, ask(), IMPATIENT)
            same((text, type(error)), ("", ProviderTimedOut), "Text and error")
            await self.let_go(bench)

    async def test_a_stall_in_midstream_is_not_waited_for(self) -> None:
        async with self.opened() as bench:
            bench.upstream.will(Answer(pieces=1, then="silence"))
            text, error = await until_error(bench.provider, ask(), IMPATIENT)
            same((text, type(error)), (FIRST, ProviderTimedOut), "Text and error")
            await self.let_go(bench)

    async def test_a_stream_that_is_closed_lets_go_of_the_vendor_at_once(self) -> None:
        async with self.opened() as bench:
            bench.upstream.will(Answer(pieces=1, then="silence"))
            async with aclosing(bench.provider.stream(ask())) as stream:
                async for event in stream:
                    if isinstance(event, TextDelta):
                        break
                same(bench.upstream.busy, 1, "The requests under way")
            await self.let_go(bench)

    async def test_events_that_are_closed_let_go_of_the_vendor_at_once(self) -> None:
        async with self.opened() as bench:
            bench.upstream.will(Answer(pieces=1, then="silence"))
            events = await bench.provider.open(ask())
            expect(bool(await events.read()), "An open stream has its first event.")
            events.close()
            await self.let_go(bench)

    async def test_a_call_that_is_cancelled_lets_go_of_the_vendor_at_once(self) -> None:
        async with self.opened() as bench:
            for call in both_ways(bench.provider, ask()):
                bench.upstream.will(Answer(pieces=0, then="silence"))
                async with running(call) as task:
                    await soon(lambda: bench.upstream.busy == 1, "The vendor is asked", 10)
                    task.cancel()
                    await asyncio.wait([task])
                    expect(task.cancelled(), "A cancelled call should end as cancelled.")
                await self.let_go(bench)

    async def let_go(self, bench: Bench) -> None:
        await soon(lambda: bench.upstream.busy == 0, "The vendor is let go", self.close_seconds)
