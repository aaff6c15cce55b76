"""Settings: read once from the environment and `.env`, each with a default.

`.env.example` documents every one of them; a test holds the two together.
"""

import os
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from dotenv import dotenv_values
from pydantic import (
    AfterValidator,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from app.core import config_values as values
from app.core.limits import Limit


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
    public_url: Annotated[str, AfterValidator(values.web_address)] = ""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["console", "json"] = "console"

    database_url: Annotated[SecretStr, AfterValidator(values.database)] | None = Field(
        default=None, validation_alias="DATABASE_URL"
    )
    redis_url: Annotated[SecretStr, AfterValidator(values.redis)] | None = Field(
        default=None, validation_alias="REDIS_URL"
    )
    qdrant_url: Annotated[str, AfterValidator(values.web_address)] | None = Field(
        default=None, validation_alias="QDRANT_URL"
    )
    qdrant_api_key: SecretStr | None = Field(default=None, validation_alias="QDRANT_API_KEY")
    files: Annotated[str, AfterValidator(values.bucket)] = ""
    files_key_id: str = ""
    files_secret: SecretStr | None = None
    database_pool_size: Annotated[int, Field(ge=1, le=200)] = 20
    vectors: Literal["qdrant", "pgvector"] = "qdrant"

    master_key: SecretStr | None = None
    retired_master_keys: SecretStr | None = None
    master_key_file: Path | None = None
    kms_url: str = ""
    kms_key: str = "transit/luminous"
    kms_token: SecretStr | None = None
    kms_token_file: Path | None = None
    signing_key_days: Annotated[int, Field(ge=1, le=3650)] = 90
    cors_origins: Annotated[
        tuple[Annotated[str, AfterValidator(values.exact_origin)], ...], NoDecode
    ] = ()
    trusted_proxies: Annotated[
        tuple[Annotated[str, AfterValidator(values.network)], ...], NoDecode
    ] = ()
    metrics_token: SecretStr | None = None
    access_token_minutes: Annotated[int, Field(ge=1, le=60)] = 10
    refresh_token_days: Annotated[int, Field(ge=1, le=365)] = 30
    cookie_same_site: Literal["strict", "none"] = "strict"
    passkey_domain: Annotated[str, Field(pattern=r"^([a-z0-9.-]{1,253})?$")] = ""
    registration: Literal["open", "closed"] = "open"
    require_verified_email: bool = False
    sign_in_free_attempts: Annotated[int, Field(ge=2, le=100)] = 10
    sign_in_free_attempts_per_address: Annotated[int, Field(ge=2)] = 100

    google_client_id: str = ""
    google_client_secret: SecretStr | None = None
    github_client_id: str = ""
    github_client_secret: SecretStr | None = None
    github_url: Annotated[str, AfterValidator(values.web_address)] = "https://github.com"
    microsoft_client_id: str = ""
    microsoft_client_secret: SecretStr | None = None
    microsoft_tenant: str = "common"
    microsoft_url: Annotated[str, AfterValidator(values.web_address)] = (
        "https://login.microsoftonline.com"
    )
    oidc_issuer: Annotated[str, AfterValidator(values.issuer)] = ""
    oidc_client_id: str = ""
    oidc_client_secret: SecretStr | None = None
    oidc_name: str = "Single sign-on"
    dns_servers: Annotated[
        tuple[Annotated[str, AfterValidator(values.name_server)], ...], NoDecode
    ] = ()

    app_url: Annotated[str, AfterValidator(values.web_address)] = ""
    smtp_url: Annotated[SecretStr, AfterValidator(values.mail_server)] | None = None
    mail_from: Annotated[str, AfterValidator(values.sender)] = "Luminous <no-reply@luminous.local>"

    rate_limit_key: Annotated[Limit | None, NoDecode, values.rate("key")] = Limit("key", 6000, 60)
    rate_limit_user: Annotated[Limit | None, NoDecode, values.rate("user")] = Limit(
        "user", 6000, 60
    )
    rate_limit_workspace: Annotated[Limit | None, NoDecode, values.rate("workspace")] = Limit(
        "workspace", 30000, 60
    )
    rate_limit_address: Annotated[Limit | None, NoDecode, values.rate("address")] = Limit(
        "address", 12000, 60
    )
    rate_limit_sensitive: Annotated[Limit | None, NoDecode, values.rate("sensitive")] = Limit(
        "sensitive", 20, 60
    )
    rate_limit_attempts: Annotated[Limit | None, NoDecode, values.rate("attempts")] = Limit(
        "attempts", 120, 60
    )

    max_body_bytes: Annotated[int, Field(ge=1024)] = 20 * 1024 * 1024
    max_upload_bytes: Annotated[int, Field(ge=1024)] = 26 * 1024 * 1024
    max_document_bytes: Annotated[int, Field(ge=1024, le=2**31 - 1)] = 100 * 1024 * 1024
    ingestion_concurrency: Annotated[int, Field(ge=1, le=64)] = 2
    batch_concurrency: Annotated[int, Field(ge=1, le=256)] = 8
    slow_body_seconds: Annotated[float, Field(ge=0.1, le=86_400)] = 30.0
    slow_head_seconds: Annotated[float, Field(ge=0.1, le=86_400)] = 10.0
    keep_alive_seconds: Annotated[int, Field(ge=1, le=86_400)] = 20
    max_connections: Annotated[int, Field(ge=10)] = 4096
    run_lease_seconds: Annotated[float, Field(ge=0.5, le=300)] = 5.0
    event_retention_hours: Annotated[int, Field(ge=1, le=87_600)] = 24
    audit_retention_days: Annotated[int, Field(ge=1, le=36_500)] = 400
    erasure_wait_hours: Annotated[int, Field(ge=0, le=720)] = 0
    erasure_settle_seconds: Annotated[float, Field(ge=0, le=30)] = 6.0
    slow_reader_seconds: Annotated[float, Field(ge=0.1, le=86_400)] = 30.0
    stream_ping_seconds: Annotated[float, Field(ge=0.05, le=86_400)] = 15.0

    provider_connect_seconds: Annotated[float, Field(gt=0, le=86_400)] = 5.0
    provider_first_token_seconds: Annotated[float, Field(gt=0, le=86_400)] = 60.0
    provider_idle_seconds: Annotated[float, Field(gt=0, le=86_400)] = 30.0
    provider_retries: Annotated[int, Field(ge=0, le=10)] = 2
    provider_proxy: Annotated[SecretStr, AfterValidator(values.proxy)] | None = None
    outbound_allow: Annotated[
        tuple[Annotated[str, AfterValidator(values.host_or_network)], ...], NoDecode
    ] = ()
    mcp_stdio_commands: Annotated[tuple[str, ...], NoDecode] = ()
    dagger_cli: str = ""
    dagger_engine: str = ""
    dagger_session_port: Annotated[int, Field(ge=1, le=65535)] | None = Field(
        default=None, validation_alias="DAGGER_SESSION_PORT"
    )
    dagger_session_token: SecretStr | None = Field(
        default=None, validation_alias="DAGGER_SESSION_TOKEN"
    )
    workflow_driver: Literal["builtin", "temporal"] = "builtin"
    temporal_address: Annotated[str, Field(pattern=r"^[^\s/:]+:[0-9]{1,5}$")] = "127.0.0.1:7233"
    temporal_namespace: str = "default"
    temporal_task_queue: str = "luminous"
    temporal_api_key: SecretStr | None = None
    temporal_tls: bool = False
    temporal_ca_file: Path | None = None
    temporal_certificate_file: Path | None = None
    temporal_key_file: Path | None = None
    temporal_server_name: str = ""
    discover_local_models: bool = True
    demo_provider: Literal["auto", "always", "never"] = "auto"
    provider_plugins: Annotated[str, AfterValidator(values.plugins)] = "on"
    node_plugins: Annotated[str, AfterValidator(values.plugins)] = "on"
    default_model: str = ""
    titles: Literal["model", "fallback"] = "model"

    @field_validator(
        "cors_origins",
        "dns_servers",
        "mcp_stdio_commands",
        "outbound_allow",
        "trusted_proxies",
        mode="before",
    )
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
        said = first["msg"].removeprefix("Value error, ")
        raise InvalidSettings(f"{name} cannot be used: {said}.") from None
