"""The engine of migrations and scripts."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import InterfaceError

from app.core.db import sync_engine


def test_a_statement_may_take_longer_than_to_connect(settings):
    url = settings.database_url.get_secret_value()
    engine = sync_engine(f"{url}&connect_timeout=1")
    with engine.connect() as connection:
        assert connection.execute(text("select 7 from pg_sleep(1.5)")).scalar_one() == 7


def test_it_asks_for_a_host_that_takes_writes_where_the_url_does(settings):
    url = settings.database_url.get_secret_value()
    read_only = f"{url}&options=-c%20default_transaction_read_only%3Don"
    with sync_engine(read_only).connect() as connection:
        assert connection.scalar(text("show transaction_read_only")) == "on"
    with sync_engine(f"{url}&target_session_attrs=read-write").connect() as connection:
        assert connection.scalar(text("show application_name")) == "luminous"
    with pytest.raises(InterfaceError, match="no host of it takes writes"):
        sync_engine(f"{read_only}&target_session_attrs=read-write").connect()
