"""The lines of a batch that their provider's own batch API carries out."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

import orjson

from app.core.db import Database
from app.core.errors import AppError
from app.core.ids import new_id
from app.core.log import get_logger
from app.inference.batches import crud
from app.inference.batches.answering import DIALECTS, EMBEDDINGS, Clerk
from app.inference.batches.models import Batch, BatchLine, BatchPart
from app.inference.batches.upstream import Answered, Asked, Upstream, upstream_of
from app.inference.calls.order import Grant
from app.inference.integrations.directory import Directory, Endpoint, Target
from app.inference.operations.content import read_json
from app.inference.operations.told import usage_of
from app.inference.prices.book import PriceBook
from app.inference.providers.errors import ProviderError, ProviderRejected
from app.inference.providers.transport import Transport
from app.inference.providers.types import Usage
from app.inference.routing.plan import Plan
from app.runs.runs.context import RunContext

log = get_logger(__name__)

FIRST_LOOK, LONGEST_LOOK = 0.5, 30.0
NO_ANSWER: Final = 504


@dataclass(frozen=True, slots=True)
class Outside:
    """What batches need beside calls: the way to providers, and what batches cost there."""

    transport: Transport
    directory: Directory
    prices: PriceBook


@dataclass(slots=True)
class Ready:
    """A line that its provider's batch API will take, once it is let in."""

    line: BatchLine
    plan: Plan
    body: bytes
    grant: Grant | None = None


class Parts:
    """Hands lines over and brings their answers in; one object a process."""

    def __init__(self, database: Database, outside: Outside) -> None:
        self._database = database
        self._outside = outside

    async def hand_over(
        self, ctx: RunContext, batch: Batch, clerk: Clerk, lines: Sequence[BatchLine]
    ) -> None:
        """Leave to batch APIs what they take; the rest stays pending."""
        groups: dict[tuple[UUID, str, str], list[Ready]] = defaultdict(list)
        for line in lines:
            ready = await self._ready(clerk, line)
            if ready is not None:
                target = ready.plan.candidates[0].target
                assert target.endpoint.integration_id is not None  # noqa: S101 - the demo has none
                groups[target.endpoint.integration_id, line.url, target.model].append(ready)
        for group in groups.values():
            await self._submit(ctx, batch, clerk, group)

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
            ready = Ready(line, plan, body_for(line, candidate.target))
            ready.grant = await clerk.calls.admit(order, plan)
        except AppError:
            # Paced, the line tells what stands against it.
            return None
        return ready

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
        requests = {one.line.id: one.grant.call.request_id for one in group if one.grant}
        async with self._database.unit(ctx.scope) as session:
            await crud.add_part(session, part, requests)
        for one in group:
            if one.grant is not None:
                one.grant.taken = True
        upstream = upstream_of(self._outside.transport, endpoint, part.url)
        assert upstream is not None  # noqa: S101 - asked for each line before
        asked = [Asked(one.line.id.hex, one.line.url, one.body) for one in group]
        try:
            part.upstream_id = await upstream.submit(part.id, asked)
        except ProviderError as error:
            log.warning("batch_not_submitted", part_id=str(part.id), reason=error.detail)
            await self.take_back(ctx, clerk, part)
            return
        async with self._database.unit(ctx.scope) as session:
            await crud.name_part(session, part)

    async def follow(self, ctx: RunContext, batch: Batch, clerk: Clerk) -> None:
        """Bring in the answers of every part, as they come."""
        pause = FIRST_LOOK
        while True:
            async with self._database.unit(ctx.scope) as session:
                parts = await crud.open_parts(session, batch.workspace_id, batch.id)
            if not parts:
                return
            for part in parts:
                await self._look(ctx, clerk, part)
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, LONGEST_LOOK)

    async def _look(self, ctx: RunContext, clerk: Clerk, part: BatchPart) -> None:
        upstream = await self._upstream(part)
        if upstream is None:
            await self.take_back(ctx, clerk, part)
            return
        try:
            if part.upstream_id is None:
                part.upstream_id = await upstream.find(part.id)
                if part.upstream_id is None:
                    await self.take_back(ctx, clerk, part)
                    return
            answers = await upstream.answers(part.upstream_id)
        except ProviderRejected as error:
            log.warning("batch_lost_upstream", part_id=str(part.id), reason=error.detail)
            answers = []
        except ProviderError as error:
            log.warning("batch_not_readable", part_id=str(part.id), reason=error.detail)
            return
        if answers is not None:
            await self._take_in(ctx, clerk, part, answers)

    async def _take_in(
        self, ctx: RunContext, clerk: Clerk, part: BatchPart, answers: Sequence[Answered]
    ) -> None:
        by_id = {answer.id: answer for answer in answers}
        used: dict[UUID, Usage | None] = {}
        async with self._database.unit(ctx.scope) as session:
            lines = await crud.lines_of_part(session, part)
            for line in lines:
                answer = by_id.get(line.id.hex) or no_answer(line.id.hex)
                status = "succeeded" if answer.code < 400 else "failed"
                await crud.end_line(session, line, status, answer.code, answer.body)
                if line.request_id is not None:
                    used[line.request_id] = used_by(line.url, answer)
        # The ledger first knows of it, then the part is done: a crash between repeats this.
        await clerk.calls.settle_answered(part.workspace_id, ctx.run_id, used)
        async with self._database.unit(ctx.scope) as session:
            await crud.end_part(session, part)

    async def take_back(self, ctx: RunContext, clerk: Clerk, part: BatchPart) -> None:
        """Have the lines of a part that nobody carries out asked by ourselves."""
        async with self._database.unit(ctx.scope) as session:
            lines = await crud.lines_of_part(session, part)
            used = {line.request_id: None for line in lines if line.request_id is not None}
        await clerk.calls.settle_answered(part.workspace_id, ctx.run_id, used)
        async with self._database.unit(ctx.scope) as session:
            await crud.release_lines(session, part)
            await crud.end_part(session, part)

    async def cancel(self, parts: Sequence[BatchPart]) -> None:
        """Have providers stop what they carry out of a batch that is cancelled."""
        for part in parts:
            upstream = await self._upstream(part)
            if upstream is not None and part.upstream_id is not None:
                try:
                    await upstream.cancel(part.upstream_id)
                except ProviderError as error:
                    log.warning("batch_not_cancelled", part_id=str(part.id), reason=error.detail)

    async def _upstream(self, part: BatchPart) -> Upstream | None:
        endpoints = await self._outside.directory.endpoints(part.workspace_id)
        found: Endpoint | None = next(
            (each for each in endpoints if each.integration_id == part.integration_id), None
        )
        return upstream_of(self._outside.transport, found, part.url) if found else None


def body_for(line: BatchLine, target: Target) -> bytes:
    """The line's bytes for the provider's own name of the model."""
    body = orjson.dumps(line.body)
    if line.url == EMBEDDINGS:
        renamed = read_json(body).renamed(target.model)
        assert isinstance(renamed, bytes)  # noqa: S101 - JSON is never sent in pieces
        return renamed
    dialect = DIALECTS[line.url]
    return dialect.upstream_body(dialect.read(body), target.model)


def used_by(url: str, answer: Answered) -> Usage | None:
    """What an answer tells of its usage; None for one that is an error."""
    if answer.code >= 400 or not isinstance(answer.body, dict):
        return None
    body: dict[str, Any] = answer.body
    if url == EMBEDDINGS:
        return usage_of(body.get("usage")) or Usage()
    return DIALECTS[url].usage_of(body) or Usage()


def no_answer(identity: str) -> Answered:
    said = "The provider's batch ended without an answer to this request."
    return Answered(identity, NO_ANSWER, {"error": {"message": said, "type": "server_error"}})
