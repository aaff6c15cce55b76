"""`.env.example` and the settings are the same list with the same defaults."""

from pathlib import Path

import pytest
from dotenv import dotenv_values

from app.core.config import InvalidSettings, Settings, load_settings
from app.inference.providers.registry import KINDS

EXAMPLE = dotenv_values(Path(__file__).parents[2] / ".env.example")


def variable(name: str) -> str:
    return str(Settings.model_fields[name].validation_alias or f"LUMINOUS_{name.upper()}")


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_documented(name):
    assert variable(name) in EXAMPLE


def test_every_provider_variable_is_documented_and_nothing_else():
    provider = {v for k in KINDS.values() for v in (k.key_variable, k.address_variable) if v}
    assert set(EXAMPLE) == provider | {variable(name) for name in Settings.model_fields}


def test_the_examples_are_the_defaults(monkeypatch):
    given = {name: value for name, value in EXAMPLE.items() if value}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert Settings(_env_file=None) == Settings.model_construct()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LUMINOUS_PORT", "99999"),
        ("LUMINOUS_LOG_LEVEL", "loud"),
        ("LUMINOUS_RUN_LEASE_SECONDS", "x"),
        ("LUMINOUS_EVENT_RETENTION_HOURS", "99999999999"),
        ("LUMINOUS_PUBLIC_URL", "ai.example.com"),
        ("LUMINOUS_APP_URL", "http://["),
        ("LUMINOUS_OIDC_ISSUER", "login.example.com"),
        ("LUMINOUS_OUTBOUND_ALLOW", "models.internal,!! wrong"),
        ("LUMINOUS_DNS_SERVERS", "10.0.0.2,nonsense"),
        ("QDRANT_URL", "localhost:6333"),
        ("REDIS_URL", "localhost:6379"),
        ("REDIS_URL", "redis://localhost:6379/0?nonsense=1"),
    ],
)
def test_a_bad_setting_is_named(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(InvalidSettings, match=name):
        load_settings()


def test_an_empty_variable_is_the_default(monkeypatch):
    monkeypatch.setenv("LUMINOUS_PORT", "")
    assert load_settings().port == 8000
