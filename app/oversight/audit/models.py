"""The audit trail in Postgres: its rows, the heads of its chains, checkpoints and their keys."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, JSON, BigInteger, Index, LargeBinary, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from app.core.clock import now
from app.core.data import Category, Handling, personal, plain, secret, technical
from app.core.db import Base, Row

# The chain of what belongs to no workspace.
INSTALLATION = UUID(int=0)


class AuditLog(Base):
    """One thing that happened; `sequence` is its place in the chain of its workspace.

    Whatever is personal stands in `erasable`, by name: a salt, and the value as JSON. The chained
    part holds only a salted digest of it (`commitments`), so it can be erased. `changes` and
    `commitments` are kept as they were written (json, not jsonb), because they are hashed.
    """

    __tablename__ = "audit_logs"
    __table_args__ = (
        Index("uq_audit_logs_sequence", "workspace_id", "sequence", unique=True),
        Index("ix_audit_logs_at", "workspace_id", "at"),
        Index("ix_audit_logs_actor", "workspace_id", "actor_id", "sequence"),
        Index("ix_audit_logs_resource", "workspace_id", "resource_id", "sequence"),
        Index("ix_audit_logs_request_id", "request_id"),
        Index("ix_audit_logs_subject_ids", "subject_ids", postgresql_using="gin"),
    )
    __handling__ = Handling(
        "prove who did what",
        subject="actor_id",
        erase="keep",
        reason="evidence; `oversight.audit.erasure` takes the personal values out of it",
        basis="legitimate_interest",
        retention="audit",
        aged_by="at",
        audited=False,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID]
    sequence: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime]
    actor_id: Mapped[UUID | None]
    credential: Mapped[str | None] = mapped_column(info=plain())
    credential_id: Mapped[UUID | None]
    action: Mapped[str] = mapped_column(info=plain())
    operation: Mapped[str | None] = mapped_column(info=plain())
    resource_type: Mapped[str] = mapped_column(info=plain())
    resource_id: Mapped[str | None] = mapped_column(info=plain())
    outcome: Mapped[str] = mapped_column(info=plain())
    request_id: Mapped[str | None] = mapped_column(info=plain())
    changes: Mapped[list[Any]] = mapped_column(JSON, info=plain())
    commitments: Mapped[dict[str, Any]] = mapped_column(JSON, info=plain())
    erasable: Mapped[dict[str, Any]] = mapped_column(info=personal(Category.USAGE))
    subject_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()))
    hash: Mapped[bytes] = mapped_column(LargeBinary, info=plain())


class AuditChain(Base):
    """How long the chain of a workspace is, and the hash of its last row."""

    __tablename__ = "audit_chains"
    __handling__ = technical("continue the chains of the audit trail", audited=False)

    workspace_id: Mapped[UUID] = mapped_column(primary_key=True)
    count: Mapped[int] = mapped_column(BigInteger)
    head: Mapped[bytes] = mapped_column(LargeBinary, info=plain())


class AuditCheckpoint(Base):
    """A signed statement: a chain had `count` rows, and the last of them the hash `head`.

    Checkpoints are numbered; `oldest` is the lowest number that was kept at that time. A `prune`
    is the licence for the absence of the rows up to `count`; an `export` says with `shown` how
    many rows its file holds in full.
    """

    __tablename__ = "audit_checkpoints"
    __table_args__ = (Index("uq_audit_checkpoints_number", "workspace_id", "number", unique=True),)
    __handling__ = technical("prove that the audit trail is whole", audited=False)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID]
    number: Mapped[int] = mapped_column(BigInteger)
    oldest: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str] = mapped_column(info=plain())
    count: Mapped[int] = mapped_column(BigInteger)
    shown: Mapped[int | None] = mapped_column(BigInteger)
    head: Mapped[bytes] = mapped_column(LargeBinary, info=plain())
    at: Mapped[datetime] = mapped_column(default=now)
    key_id: Mapped[str] = mapped_column(info=plain())
    signature: Mapped[bytes] = mapped_column(LargeBinary, info=plain())


class AuditKey(Row):
    """An Ed25519 key that signs checkpoints; `key_id` is drawn from the public half."""

    __tablename__ = "audit_keys"
    __handling__ = technical("sign the checkpoints of the audit trail", audited=False)

    key_id: Mapped[str] = mapped_column(unique=True, info=plain())
    public_key: Mapped[bytes] = mapped_column(LargeBinary, info=plain())
    sealed_private_key: Mapped[bytes] = mapped_column(
        LargeBinary, info=secret(sealed_as="audit_keys/{id}")
    )
