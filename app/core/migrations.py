"""Apply the Alembic migrations from code."""

from pathlib import Path

from alembic import command
from alembic.config import Config

from app.core.db import sync_engine

ROOT = Path(__file__).resolve().parents[2]


def alembic_config(database_url: str) -> Config:
    config = Config(str(ROOT / "alembic.ini"))
    config.attributes["database_url"] = database_url
    return config


def upgrade(database_url: str, revision: str = "head") -> None:
    """Bring the schema up to a revision, as the URL's own role (it must own the tables).

    Processes that start together take turns: Postgres holds one advisory lock.
    """
    engine = sync_engine(database_url)
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql("select pg_advisory_xact_lock(7224318605)")
            config = alembic_config(database_url)
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
    finally:
        engine.dispose()
