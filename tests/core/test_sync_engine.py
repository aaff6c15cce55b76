"""The engine of migrations and scripts."""

from sqlalchemy import text

from app.core import db


def test_a_statement_may_take_longer_than_to_connect(settings, monkeypatch):
    monkeypatch.setattr(db, "CONNECT_SECONDS", 0.5)
    engine = db.sync_engine(settings.database_url.get_secret_value())
    with engine.connect() as connection:
        assert connection.execute(text("select 7 from pg_sleep(1)")).scalar_one() == 7
