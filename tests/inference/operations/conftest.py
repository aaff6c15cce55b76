"""Settings without an environment, for what is never opened."""

import pytest

from app.core.config import Settings


@pytest.fixture(scope="session")
def settings() -> Settings:
    return Settings(_env_file=None)
