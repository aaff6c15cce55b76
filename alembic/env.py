"""Alembic's environment: migrations run on the sync engine, as the role that owns the tables."""

from alembic import context
from sqlalchemy import Connection

from app.core.config import load_settings
from app.core.db import sync_engine
from app.knowledge.vectors import table as passage_vectors
from app.tables import Base


def compared(name: str | None, kind: str, _: object) -> bool:
    """All but what is there only where Postgres has an extension."""
    return (kind, name) != ("table", passage_vectors.NAME)


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        compare_type=True,
        include_name=compared,
    )
    with context.begin_transaction():
        context.run_migrations()


def database_url() -> str:
    given = context.config.attributes.get("database_url")
    if given:
        return str(given)
    setting = load_settings().database_url
    if setting is None:
        raise SystemExit("Set DATABASE_URL to the database that the migrations are for.")
    return setting.get_secret_value()


shared = context.config.attributes.get("connection")
if shared is not None:
    run(shared)
else:
    with sync_engine(database_url()).connect() as own:
        run(own)
        own.commit()
