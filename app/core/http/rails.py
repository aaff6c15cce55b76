"""The three rails of every write, laid once: Idempotency-Key, dry run, and versions.

A guarded route puts them behind its guard (`core.http.riding`). They work on the request's unit of
work (`core.http.units`): the key's record is written into its transaction, a dry run rolls it
back, and an If-Match is handed to `core.versions.match`. A read answers with an ETag and takes an
If-None-Match wherever what it shows has a `version`.
"""

import base64
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import Depends, Request, Response

from app.core import idempotency
from app.core.auth import Access
from app.core.crypto import Vault
from app.core.db import SYSTEM, AsyncSession
from app.core.errors import BadRequest, FieldError
from app.core.ids import new_id
from app.core.kernel import Kernel
from app.core.versions import IF_MATCH, MATCHED, PreconditionFailed, etag_of, parse_etags

WRITES = frozenset({"POST", "PATCH", "PUT", "DELETE"})
KEPT_HEADERS = ("content-type", "location", "etag", "cache-control", "link", "x-run-id")


class DryRunRefused(BadRequest):
    code = "dry_run_refused"
    title = "This call cannot be tried without doing it"

    def __init__(self) -> None:
        super().__init__(
            "Leave `dry_run` out.",
            errors=(FieldError("/query/dry_run", self.code, "not offered here"),),
        )


class AlreadyStarted(Exception):
    """The run that this request would start was started before, by one with its key."""

    def __init__(self, run_id: UUID) -> None:
        super().__init__("already started")
        self.run_id = run_id


class Replayed(Exception):
    """The request was answered before; ends its handling, with nothing done."""

    def __init__(self, response: Response) -> None:
        super().__init__("replayed")
        self.response = response


@dataclass(slots=True)
class Rails:
    """What one request asks of the rails, and what its handling has come to."""

    claim: idempotency.Claim | None = None
    started_run_id: UUID | None = None
    dry_run: bool = False
    if_match: tuple[str, ...] | None = None
    session: AsyncSession | None = None
    shown_version: int | None = None
    next_cursor: str | None = None
    vault: Vault | None = field(default=None, repr=False)

    async def board(self, session: AsyncSession) -> None:
        """Put the request's unit of work on the rails.

        Raises RequestUnderWay, Replayed and AlreadyStarted.
        """
        if self.if_match is not None:
            session.info[IF_MATCH] = self.if_match
        if self.claim is not None and (kept := await idempotency.take(session, self.claim)):
            self._answer_again(kept)
        # Only now: a unit that was refused is closed, and nothing more is written with it.
        self.session = session

    async def keep_run(self, run_id: UUID) -> None:
        """Let a repeated request find the run that this one starts, in place of an answer."""
        if self.claim and self.session:
            await idempotency.keep(self.session, self.claim, run_id=run_id)
            self.claim = None

    async def look_up(
        self, kernel: Kernel, claim: idempotency.Claim, access: Access | None
    ) -> None:
        """Answer at once what was answered before; raises Replayed and IdempotencyKeyReused.

        A run that was started before is left in `started_run_id`, for the route to show it.
        """
        self.claim, self.vault = claim, kernel.vault
        async with kernel.database.unit(access.scope if access else SYSTEM) as session:
            kept = await idempotency.find(session, claim)
        if kept is not None:
            try:
                self._answer_again(kept)
            except AlreadyStarted as started:
                self.started_run_id = started.run_id

    def _answer_again(self, kept: idempotency.IdempotencyKey) -> None:
        if kept.run_id is not None:
            raise AlreadyStarted(kept.run_id)
        if kept.sealed_answer is None or kept.status is None or self.vault is None:
            return
        answer = orjson.loads(self.vault.open(kept.sealed_answer, context=_context(kept.id)))
        headers = {**answer["headers"], "Idempotency-Replayed": "true"}
        raise Replayed(Response(base64.b64decode(answer["body"]), kept.status, headers))

    async def finish(self, request: Request, response: Response) -> Response:
        """Complete an answer: its ETag, its Link, and the key's record in the transaction.

        Raises PreconditionFailed where the If-Match was for something that has no version.
        """
        if self.if_match and "*" not in self.if_match and not self._matched():
            raise PreconditionFailed(None)
        if self.next_cursor is not None and response.status_code == 200:
            response.headers["Link"] = f'<{next_page(request, self.next_cursor)}>; rel="next"'
        if self.shown_version is not None and response.status_code < 300:
            response.headers["ETag"] = etag_of(self.shown_version)
            if request.method == "GET" and _is_current(request, response.headers["ETag"]):
                return Response(status_code=304, headers={"ETag": response.headers["ETag"]})
        if self.dry_run:
            response.headers["Dry-Run"] = "true"
        elif self.claim and self.session and self.vault and response.status_code < 300:
            await self._keep(self.claim, self.session, self.vault, response)
        return response

    def _matched(self) -> bool:
        return self.session is not None and MATCHED in self.session.info

    async def _keep(
        self, claim: idempotency.Claim, session: AsyncSession, vault: Vault, response: Response
    ) -> None:
        headers = {n: v for n in KEPT_HEADERS if (v := response.headers.get(n)) is not None}
        answer = {"headers": headers, "body": base64.b64encode(response.body).decode()}
        record_id = new_id()
        await idempotency.keep(
            session,
            claim,
            status=response.status_code,
            sealed_answer=vault.seal(orjson.dumps(answer).decode(), context=_context(record_id)),
            record_id=record_id,
        )


current_rails: ContextVar[Rails | None] = ContextVar("current_rails", default=None)


def _context(record_id: UUID) -> str:
    return f"idempotency_keys/{record_id}"


def _is_current(request: Request, etag: str) -> bool:
    known = parse_etags(request.headers.get("if-none-match", ""))
    return "*" in known or etag in {tag.removeprefix("W/") for tag in known}


def next_page(request: Request, cursor: str) -> str:
    """The address of a list's next page: this one's, with the cursor."""
    kernel: Kernel = request.app.state.kernel
    query = request.url.include_query_params(cursor=cursor).query
    return f"{kernel.settings.public_url.rstrip('/')}{request.url.path}?{query}"


def rails_of(request: Request) -> Rails:
    """The rails of this request."""
    rails: Rails = request.scope["luminous.rails"]
    return rails


RailsDep = Annotated[Rails, Depends(rails_of)]


def off_rails(reason: str) -> Any:
    """`dependencies=[off_rails("…")]`: a write that cannot be tried and is safe to repeat as is.

    An Idempotency-Key is taken and means nothing there; `dry_run` is refused.
    """

    async def refuse_dry_run(request: Request) -> None:
        if "dry_run" in request.query_params:
            raise DryRunRefused

    refuse_dry_run.__dict__["luminous_off_rails"] = reason
    return Depends(refuse_dry_run)
