"""Accounts."""

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Resource


class User(Resource):
    __tablename__ = "users"

    email: Mapped[str]
    name: Mapped[str] = mapped_column(default="")
    password_hash: Mapped[str]

    __table_args__ = (Index("uq_users_email", text("lower(email)"), unique=True),)
