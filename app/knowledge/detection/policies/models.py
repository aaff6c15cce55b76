"""Policies of dictionaries."""

from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.core.data import plain, technical
from app.core.db import Resource


class DictionaryPolicy(Resource):
    """How a dictionary is held to; one that has none is held to as its columns' defaults say.

    `mode`: `off`, `advise` (its terms enter prompts) or `flag` (and forbidden ones in answers are
    told). `token_budget` bounds what of it enters a prompt. A subject field that is suggested with
    at least `accept_fields_from` is taken without asking anyone; None asks always.
    """

    __tablename__ = "dictionary_policies"
    __table_args__ = (
        Index("uq_dictionary_policies_dictionary_id", "dictionary_id", unique=True),
        Index("ix_dictionary_policies_workspace_id", "workspace_id"),
    )
    __handling__ = technical("hold prompts and answers to a dictionary")

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    dictionary_id: Mapped[UUID] = mapped_column(ForeignKey("dictionaries.id", ondelete="CASCADE"))
    mode: Mapped[str] = mapped_column(default="flag", info=plain())
    token_budget: Mapped[int] = mapped_column(default=600)
    accept_fields_from: Mapped[float | None]
