"""The first rail: one effect for however many requests with one Idempotency-Key.

The record is written in the transaction of the effect, so both are there or neither is. While
that transaction is open, an advisory lock tells other requests with the key to come back.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.core.clock import now
from app.core.data import Handling, secret
from app.core.db import SYSTEM, Database, Row
from app.core.errors import Conflict, FieldError, Unprocessable
from app.core.ids import new_id
from app.core.jobs import Job

KEPT = timedelta(hours=24)
_HEADER = "/header/idempotency-key"


class IdempotencyKeyReused(Unprocessable):
    """A key belongs to one request: the same body, to the same address."""

    code = "idempotency_key_reused"
    title = "This Idempotency-Key came with another request before"

    def __init__(self) -> None:
        super().__init__(
            "Take a fresh key for another request.",
            errors=(FieldError(_HEADER, self.code, "used with another body"),),
        )


class RequestUnderWay(Conflict):
    code = "request_under_way"
    title = "A request with this Idempotency-Key is under way"
    retryable = True

    def __init__(self) -> None:
        super().__init__("Its answer will be there in a moment.", retry_after=1)


class IdempotencyKey(Row):
    """The answer of a request with an Idempotency-Key, sealed; or the run that it started."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index("ix_idempotency_keys_created_at", "created_at"),)
    __handling__ = Handling(
        "answer a repeated request as the first time", subject="user_id", audited=False
    )

    key_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True, info=secret())
    workspace_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE")
    )
    user_id: Mapped[UUID | None]
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary, info=secret())
    status: Mapped[int | None]
    sealed_answer: Mapped[bytes | None] = mapped_column(
        LargeBinary, info=secret(sealed_as="idempotency_keys/{id}")
    )
    run_id: Mapped[UUID | None]


@dataclass(frozen=True, slots=True)
class Claim:
    """A request with an Idempotency-Key: whose it is, and what it asked."""

    key_hash: bytes
    fingerprint: bytes
    workspace_id: UUID | None
    user_id: UUID | None = None

    @classmethod
    def of(
        cls,
        key: str,
        *,
        principal: str,
        workspace_id: UUID | None,
        call: str,
        body: bytes,
        secret: bytes,
        user_id: UUID | None = None,
    ) -> "Claim":
        """`call` is the method and the address, its query included.

        A body may hold a password, so its fingerprint cannot be guessed at without the `secret`.
        """
        return cls(
            hashlib.sha256(f"{principal}\0{call}\0{key}".encode()).digest(),
            hmac.digest(secret, body, "sha256"),
            workspace_id,
            user_id,
        )


async def find(session: AsyncSession, claim: Claim) -> IdempotencyKey | None:
    """What was kept for this request; raises IdempotencyKeyReused for another body."""
    kept: IdempotencyKey | None = await session.scalar(
        select(IdempotencyKey).where(
            IdempotencyKey.key_hash == claim.key_hash, IdempotencyKey.created_at > now() - KEPT
        )
    )
    if kept is not None and kept.fingerprint != claim.fingerprint:
        raise IdempotencyKeyReused
    return kept


async def take(session: AsyncSession, claim: Claim) -> IdempotencyKey | None:
    """Be the one request that acts until the transaction ends; raises RequestUnderWay.

    What another one kept meanwhile is returned: then there is nothing left to do.
    """
    number = int.from_bytes(claim.key_hash[:8], "big", signed=True)
    if not await session.scalar(select(func.pg_try_advisory_xact_lock(number))):
        raise RequestUnderWay
    return await find(session, claim)


async def keep(
    session: AsyncSession,
    claim: Claim,
    *,
    status: int | None = None,
    sealed_answer: bytes | None = None,
    run_id: UUID | None = None,
    record_id: UUID | None = None,
) -> None:
    """Write the record into the transaction of the effect."""
    await session.execute(delete(IdempotencyKey).where(IdempotencyKey.key_hash == claim.key_hash))
    session.add(
        IdempotencyKey(
            id=record_id or new_id(),
            key_hash=claim.key_hash,
            workspace_id=claim.workspace_id,
            user_id=claim.user_id,
            fingerprint=claim.fingerprint,
            status=status,
            sealed_answer=sealed_answer,
            run_id=run_id,
        )
    )
    await session.flush()


def pruning(database: Database) -> Job:
    """The job that forgets the records whose day is over."""

    async def prune() -> None:
        async with database.unit(SYSTEM) as session:
            await session.execute(
                delete(IdempotencyKey).where(IdempotencyKey.created_at <= now() - KEPT)
            )

    return Job("idempotency", timedelta(hours=1), prune)
