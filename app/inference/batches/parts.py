"""The lines of a batch that their provider's own batch API carries out."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final
from uuid import UUID

from app.core.clock import now
from app.core.db import AsyncSession
from app.core.errors import AppError
from app.core.ids import new_id
from app.core.log import get_logger
from app.inference.batches import crud
from app.inference.batches.answering import Clerk
from app.inference.batches.models import Batch, BatchLine, BatchPart
from app.inference.batches.patience import Store, patiently
from app.inference.batches.upstream import (
    Answered,
    Answers,
    Asked,
    Missed,
    NotTaken,
    Undecided,
    Upstream,
    upstream_of,
)
from app.inference.batches.wording import Taken, body_for, nothing
from app.inference.calls.order import Grant
from app.inference.integrations.directory import Directory, Endpoint
from app.inference.prices.book import PriceBook
from app.inference.providers.errors import (
    ModelNotFound,
    ProviderError,
    ProviderOverloaded,
    ProviderRateLimited,
    ProviderRejected,
)
from app.inference.providers.transport import Transport
from app.inference.providers.types import Usage
from app.inference.routing.plan import Plan
from app.runs.events.errors import RunLost
from app.runs.runs.context import RunContext

log = get_logger(__name__)

FIRST_LOOK, LONGEST_LOOK = 0.5, 30.0
# How long lines are looked for at a provider of which nobody knows whether it took them.
UNSEEN_SECONDS = 60.0
# A provider's day begins later than ours.
GRACE: Final = timedelta(hours=1)
# What a provider says of a batch that it will say nothing more of.
GONE: Final = (ProviderRejected, ModelNotFound)


@dataclass(frozen=True, slots=True)
class Outside:
    """What batches need beside calls: the way to providers, and what batches cost there."""

    transport: Transport
    directory: Directory
    prices: PriceBook


@dataclass(slots=True)
class Ready:
    """A line that its provider's batch API will take, and that was let in."""

    line: BatchLine
    plan: Plan
    body: bytes
    grant: Grant


class Parts:
    """Hands lines over and brings their answers in; one object a process."""

    def __init__(self, store: Store, outside: Outside) -> None:
        self._store = store
        self._outside = outside

    async def hand_over(
        self, ctx: RunContext, batch: Batch, clerk: Clerk, lines: Sequence[BatchLine]
    ) -> None:
        """Leave to batch APIs what they take; the rest stays pending."""
        groups: dict[tuple[UUID, str, str], list[Ready]] = defaultdict(list)
        try:
            for line in lines:
                ready = await self._ready(clerk, line)
                if ready is not None:
                    target = ready.plan.candidates[0].target
                    assert target.endpoint.integration_id is not None  # noqa: S101 - the demo has none
                    groups[target.endpoint.integration_id, line.url, target.model].append(ready)
            for group in groups.values():
                await self._submit(ctx, batch, clerk, group)
        except BaseException:
            for group in groups.values():
                for one in group:
                    clerk.calls.release(one.grant)
            raise

    async def _ready(self, clerk: Clerk, line: BatchLine) -> Ready | None:
        """The line at its first candidate's batch price; None where it is to be paced."""
        try:
            order = replace(clerk.order(line), access=None, policies=())
            plan = await clerk.calls.plan(order)
            candidate = plan.candidates[0]
            endpoint = candidate.target.endpoint
            upstream = upstream_of(self._outside.transport, endpoint, line.url)
            if upstream is None or await clerk.calls.is_guarded(order, plan):
                return None
            price = await self._outside.prices.price(
                clerk.payer.workspace_id, endpoint, candidate.target.model, processing="batch"
            )
            plan = replace(plan, candidates=(replace(candidate, price=price),), on_overflow=())
            body_for(line, candidate.target)
            grant = await clerk.calls.admit(order, plan)
        except AppError:
            # Paced, the line tells what stands against it.
            return None
        return Ready(line, plan, body_for(line, candidate.target, grant.call.most_output), grant)

    async def _submit(
        self, ctx: RunContext, batch: Batch, clerk: Clerk, group: Sequence[Ready]
    ) -> None:
        endpoint = group[0].plan.candidates[0].target.endpoint
        part = BatchPart(
            id=new_id(),
            workspace_id=batch.workspace_id,
            batch_id=batch.id,
            integration_id=endpoint.integration_id,
            url=group[0].line.url,
            done=False,
        )
        requests = {one.line.id: one.grant.call.request_id for one in group}
        await self._store.unit(
            ctx, lambda session: crud.add_part(session, part, requests), held=True
        )
        for one in group:
            one.grant.taken = True
        upstream = upstream_of(self._outside.transport, endpoint, part.url, clerk.headers)
        assert upstream is not None  # noqa: S101 - asked for each line before
        asked = [Asked(one.line.id.hex, one.line.url, one.body) for one in group]
        prepared = b""
        try:
            prepared = await upstream.prepare(part.id, asked)
            name = await upstream.submit(prepared)
        except ProviderError as error:
            log.warning("batch_not_submitted", part_id=str(part.id), reason=error.detail)
            if not prepared or not may_be_there(error):
                await self.take_back(ctx, clerk, part)
            return
        await self._name(ctx, part, upstream, name)

    async def _name(self, ctx: RunContext, part: BatchPart, upstream: Upstream, name: str) -> None:
        """Write the provider's name down; raises RunLost where others have given the part up."""
        if await self._store.unit(ctx, lambda session: crud.name_part(session, part, name)):
            part.upstream_id = name
            return
        # Its lines are being asked again: what the provider has not answered yet it need not.
        log.warning("batch_of_nobody", part_id=str(part.id), upstream_id=name)
        await cancel_at(upstream, part, name)
        raise RunLost

    async def follow(self, ctx: RunContext, batch: Batch, clerk: Clerk) -> None:
        """Bring in the answers of every part, as they come, for as long as there may be any."""
        pause, missed_since = FIRST_LOOK, dict[UUID, float]()
        while now() < batch.expires_at + GRACE:
            parts = await self._store.unit(
                ctx,
                lambda session: crud.open_parts(session, batch.workspace_id, batch.id),
                held=True,
            )
            if not parts:
                return
            for part in parts:
                await self._look(ctx, clerk, part, missed_since)
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, LONGEST_LOOK)

    async def _look(
        self, ctx: RunContext, clerk: Clerk, part: BatchPart, missed_since: dict[UUID, float]
    ) -> None:
        upstream = await self._upstream(part)
        if upstream is None:
            await self.take_back(ctx, clerk, part)
            return
        answers: Answers | None = None
        try:
            if part.upstream_id is None:
                since = missed_since.setdefault(part.id, time.monotonic())
                await self._look_for(ctx, clerk, part, upstream, since)
            if part.upstream_id is not None:
                answers = await upstream.answers(part.upstream_id)
        except NotTaken:
            await self.take_back(ctx, clerk, part)
        except GONE as error:
            log.warning("batch_lost_upstream", part_id=str(part.id), reason=error.detail)
            answers = nothing()
        except ProviderError as error:
            log.warning("batch_not_readable", part_id=str(part.id), reason=error.detail)
        if answers is not None:
            await self._take_in(ctx, clerk, part, answers)

    async def _look_for(
        self, ctx: RunContext, clerk: Clerk, part: BatchPart, upstream: Upstream, since: float
    ) -> None:
        """Find what a process handed over that died, or whose connection did, before it knew."""
        try:
            name = await self._found(ctx, part, upstream)
        except Undecided:
            return
        if name is not None:
            await self._name(ctx, part, upstream, name)
        elif time.monotonic() - since >= UNSEEN_SECONDS:
            await self.take_back(ctx, clerk, part)

    async def _found(self, ctx: RunContext, part: BatchPart, upstream: Upstream) -> str | None:
        async def known(session: AsyncSession) -> Missed:
            lines = await crud.lines_of_part(session, part)
            names = await crud.part_names(session, part.workspace_id, part.created_at - GRACE)
            ids = frozenset(line.id.hex for line in lines)
            return Missed(part.id, part.created_at, ids, frozenset(names))

        return await upstream.find(await self._store.unit(ctx, known))

    async def _take_in(
        self, ctx: RunContext, clerk: Clerk, part: BatchPart, answers: Answers
    ) -> None:
        """End the lines as their answers come; a read that breaks off is begun again later."""
        found = await self._store.unit(ctx, lambda session: crud.lines_of_part(session, part))
        taken = Taken({line.id.hex: line for line in found})
        try:
            async with aclosing(answers):
                async for some in answers:
                    await self._end_lines(ctx, taken.take(some))
        except GONE as error:
            log.warning("batch_lost_upstream", part_id=str(part.id), reason=error.detail)
        except ProviderError as error:
            log.warning("batch_not_readable", part_id=str(part.id), reason=error.detail)
            return
        await self._end_lines(ctx, taken.rest())
        # The ledger first knows of it, then the part is done: a crash between repeats this.
        await self._settle(ctx, clerk, part, taken.used)
        await self._store.unit(ctx, lambda session: crud.end_part(session, part))

    async def _end_lines(
        self, ctx: RunContext, ended: Sequence[tuple[BatchLine, Answered]]
    ) -> None:
        async def end(session: AsyncSession) -> None:
            for line, answer in ended:
                status = "succeeded" if answer.code < 400 else "failed"
                await crud.end_line(session, line, status, answer.code, answer.body)

        if ended:
            await self._store.unit(ctx, end)

    async def take_back(self, ctx: RunContext, clerk: Clerk, part: BatchPart) -> None:
        """Have the lines of a part that nobody carries out asked by ourselves."""
        lines = await self._store.unit(ctx, lambda session: crud.lines_of_part(session, part))
        used = {line.request_id: None for line in lines if line.request_id is not None}
        await self._settle(ctx, clerk, part, used)

        async def release(session: AsyncSession) -> None:
            if await crud.end_part(session, part):
                await crud.release_lines(session, part)

        await self._store.unit(ctx, release)

    async def _settle(
        self, ctx: RunContext, clerk: Clerk, part: BatchPart, used: Mapping[UUID, Usage | None]
    ) -> None:
        await patiently(lambda: clerk.calls.settle_answered(part.workspace_id, ctx.run_id, used))

    async def cancel(self, ctx: RunContext, parts: Sequence[BatchPart]) -> None:
        """Have providers stop what they carry out of a batch that is cancelled."""
        for part in parts:
            upstream = await self._upstream(part)
            if upstream is None:
                continue
            try:
                name = part.upstream_id or await self._found(ctx, part, upstream)
            except (ProviderError, Undecided) as error:
                log.warning("batch_not_cancelled", part_id=str(part.id), reason=repr(error))
                continue
            if name is not None:
                await cancel_at(upstream, part, name)

    async def _upstream(self, part: BatchPart) -> Upstream | None:
        endpoints = await self._outside.directory.endpoints(part.workspace_id)
        found: Endpoint | None = next(
            (each for each in endpoints if each.integration_id == part.integration_id), None
        )
        return upstream_of(self._outside.transport, found, part.url) if found else None


async def cancel_at(upstream: Upstream, part: BatchPart, name: str) -> None:
    try:
        await upstream.cancel(name)
    except ProviderError as error:
        log.warning("batch_not_cancelled", part_id=str(part.id), reason=error.detail)


def may_be_there(error: ProviderError) -> bool:
    """Whether the provider may have taken lines over although it did not say so."""
    return error.retryable and not isinstance(error, ProviderRateLimited | ProviderOverloaded)
