"""A driver that cannot be used is refused at the start, in one sentence."""

from types import SimpleNamespace

import pytest

from app.automation.temporal import opening
from app.core.config import InvalidSettings, Settings
from tests.cli.test_up import free_port


def refused(**settings):
    given = Settings(_env_file=None, workflow_driver="temporal", **settings)
    kernel = SimpleNamespace(settings=given, database=None)
    return pytest.raises(InvalidSettings), opening.open_driver(kernel)


async def test_the_extra_is_named_where_it_is_missing(monkeypatch):
    monkeypatch.setattr(opening, "find_spec", lambda name: None)
    raising, opened = refused()
    with raising as told:
        await opened
    assert "install the extra `temporal`" in str(told.value)


async def test_the_address_is_named_where_nothing_answers():
    address = f"127.0.0.1:{free_port()}"
    raising, opened = refused(temporal_address=address)
    with raising as told:
        await opened
    assert (
        f"LUMINOUS_TEMPORAL_ADDRESS cannot be used: no Temporal server answers at {address}"
        in str(told.value)
    )


async def test_a_certificate_without_its_key_is_refused(tmp_path):
    raising, opened = refused(temporal_certificate_file=tmp_path / "client.pem")
    with raising as told:
        await opened
    assert "LUMINOUS_TEMPORAL_KEY_FILE" in str(told.value)
