"""A vendor's fake behind the calls engine, and a client of it."""

import pytest

from tests.inference.relay.conftest import gateway  # noqa: F401
from tests.support.relaying import Client, client_of


@pytest.fixture
def asker(app, gateway) -> Client:  # noqa: F811
    return client_of(app, gateway)
