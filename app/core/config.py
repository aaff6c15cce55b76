"""Settings: read once from the environment and `.env`, each with a default.

`.env.example` documents every one of them; a test holds the two together.
"""

import os
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class InvalidSettings(Exception):
    """A setting that cannot be used; the message is one sentence for the operator."""


class Settings(BaseSettings):
    """Every knob of the service. Names are `LUMINOUS_<FIELD>` unless an alias says otherwise."""

    model_config = SettingsConfigDict(
        env_prefix="LUMINOUS_",
        env_file=".env",
        extra="ignore",
        frozen=True,
        populate_by_name=True,
        env_ignore_empty=True,
    )

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8000
    data_dir: Path = Path(".luminous")
    public_url: str = ""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["console", "json"] = "console"

    database_url: SecretStr | None = Field(default=None, validation_alias="DATABASE_URL")
    redis_url: SecretStr | None = Field(default=None, validation_alias="REDIS_URL")
    qdrant_url: str | None = Field(default=None, validation_alias="QDRANT_URL")
    qdrant_api_key: SecretStr | None = Field(default=None, validation_alias="QDRANT_API_KEY")
    database_pool_size: Annotated[int, Field(ge=1, le=200)] = 20

    master_key: SecretStr | None = None
    cors_origins: Annotated[tuple[str, ...], NoDecode] = ()
    access_token_minutes: Annotated[int, Field(ge=1, le=60)] = 10
    refresh_token_days: Annotated[int, Field(ge=1, le=365)] = 30
    registration: Literal["open", "closed"] = "open"

    max_body_bytes: Annotated[int, Field(ge=1024)] = 20 * 1024 * 1024
    run_lease_seconds: Annotated[float, Field(ge=0.5, le=300)] = 5.0
    event_retention_hours: Annotated[int, Field(ge=1)] = 24
    slow_reader_seconds: Annotated[float, Field(ge=0.1)] = 30.0
    stream_ping_seconds: Annotated[float, Field(ge=0.05)] = 15.0

    provider_connect_seconds: Annotated[float, Field(gt=0)] = 5.0
    provider_first_token_seconds: Annotated[float, Field(gt=0)] = 60.0
    provider_idle_seconds: Annotated[float, Field(gt=0)] = 30.0
    provider_retries: Annotated[int, Field(ge=0, le=10)] = 2
    outbound_allow: Annotated[tuple[str, ...], NoDecode] = ()
    discover_local_models: bool = True
    demo_provider: Literal["auto", "always", "never"] = "auto"
    default_model: str = ""
    titles: Literal["model", "fallback"] = "model"

    @field_validator("cors_origins", "outbound_allow", mode="before")
    @classmethod
    def _split_commas(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @cached_property
    def provider_environment(self) -> dict[str, str]:
        """Variables that name a provider's key or address (`OPENAI_API_KEY`, `OLLAMA_HOST`)."""
        return read_environment(Path(str(self.model_config.get("env_file") or ".env")))


def read_environment(env_file: Path) -> dict[str, str]:
    """The process's environment over the `.env` file's values."""
    from_file = {k: v for k, v in dotenv_values(env_file).items() if v} if env_file.exists() else {}
    return from_file | {k: v for k, v in os.environ.items() if v}  # noqa: TID251


def load_settings(**overrides: object) -> Settings:
    """Settings from the environment; raises InvalidSettings with one clear sentence."""
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors()[0]
        field = str(first["loc"][0]) if first["loc"] else "?"
        name = field if field.isupper() else "LUMINOUS_" + field.upper()
        raise InvalidSettings(f"{name} cannot be used: {first['msg']}.") from None
