"""Settings: read once from the environment and `.env`, each with a default.

`.env.example` documents every one of them; a test holds the two together.
"""

import ipaddress
import os
import re
from email.utils import parseaddr
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from dotenv import dotenv_values
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from app.core.limits import Limit, parse_limit

_ORIGIN = re.compile(r"https?://([a-z0-9.-]+|\[[0-9a-f:]+\])(:[0-9]{1,5})?")


class InvalidSettings(Exception):
    """A setting that cannot be used; the message is one sentence for the operator."""


def _rate(name: str) -> Any:
    """Reads `600/60` or `off` for the policy of this name."""
    return BeforeValidator(lambda given: parse_limit(name, given) if _is_text(given) else given)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _exact_origin(value: str) -> str:
    if not _ORIGIN.fullmatch(value):
        raise ValueError(
            f"{value[:100]!r} is not an origin: write scheme, host and port as a browser sends "
            "them, as in https://app.example.com, without `*` or a path"
        )
    return value


def _network(value: str) -> str:
    if value != "unix":
        ipaddress.ip_network(value, strict=False)
    return value


def _web_address(value: str) -> str:
    if value and not re.fullmatch(r"https?://[^\s/?#]+[^\s?#]*", value):
        raise ValueError("it is no address of a web page; it looks like https://app.example.com")
    return value.rstrip("/")


def _bucket(value: str) -> str:
    if value and not re.fullmatch(r"s3://[a-z0-9][a-z0-9._-]{1,62}(/[^\s?#]*)?(\?[^\s#]*)?", value):
        raise ValueError(
            "it is no address of a bucket; it looks like s3://bucket/folder?region=eu-central-1 or "
            "s3://bucket?endpoint=https://minio.internal:9000"
        )
    return value


def _mail_server(value: SecretStr) -> SecretStr:
    if not re.match(r"(smtp|smtps|smtp\+starttls)://[^\s]", value.get_secret_value()):
        raise ValueError(
            "write smtp://, smtps:// or smtp+starttls:// with a host, as in "
            "smtps://user:password@mail.example.com:465"
        )
    return value


def _proxy(value: SecretStr) -> SecretStr:
    if not re.fullmatch(r"http://([^\s/@]+@)?[^\s/@]+:[0-9]{1,5}/?", value.get_secret_value()):
        raise ValueError("it is no address of a proxy; it looks like http://user:secret@proxy:3128")
    return value


def _sender(value: str) -> str:
    if not value.isprintable() or "@" not in parseaddr(value)[1]:
        raise ValueError("it is no sender; it looks like `Luminous <no-reply@example.com>`")
    return value


def _plugins(value: str) -> str:
    names = [name.strip() for name in value.split(",")]
    if not all(re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name) for name in names):
        raise ValueError("write on, off, or names of plug-ins with commas between them")
    return ",".join(names)


_Origin = Annotated[str, AfterValidator(_exact_origin)]
_Network = Annotated[str, AfterValidator(_network)]


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
    files: Annotated[str, AfterValidator(_bucket)] = ""
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
        tuple[Annotated[str, AfterValidator(_exact_origin)], ...], NoDecode
    ] = ()
    trusted_proxies: Annotated[tuple[Annotated[str, AfterValidator(_network)], ...], NoDecode] = ()
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
    github_url: Annotated[str, AfterValidator(_web_address)] = "https://github.com"
    microsoft_client_id: str = ""
    microsoft_client_secret: SecretStr | None = None
    microsoft_tenant: str = "common"
    microsoft_url: Annotated[str, AfterValidator(_web_address)] = (
        "https://login.microsoftonline.com"
    )
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: SecretStr | None = None
    oidc_name: str = "Single sign-on"
    dns_servers: Annotated[tuple[str, ...], NoDecode] = ()

    app_url: Annotated[str, AfterValidator(_web_address)] = ""
    smtp_url: Annotated[SecretStr, AfterValidator(_mail_server)] | None = None
    mail_from: Annotated[str, AfterValidator(_sender)] = "Luminous <no-reply@luminous.local>"

    rate_limit_key: Annotated[Limit | None, NoDecode, _rate("key")] = Limit("key", 6000, 60)
    rate_limit_user: Annotated[Limit | None, NoDecode, _rate("user")] = Limit("user", 6000, 60)
    rate_limit_workspace: Annotated[Limit | None, NoDecode, _rate("workspace")] = Limit(
        "workspace", 30000, 60
    )
    rate_limit_address: Annotated[Limit | None, NoDecode, _rate("address")] = Limit(
        "address", 12000, 60
    )
    rate_limit_sensitive: Annotated[Limit | None, NoDecode, _rate("sensitive")] = Limit(
        "sensitive", 20, 60
    )
    rate_limit_attempts: Annotated[Limit | None, NoDecode, _rate("attempts")] = Limit(
        "attempts", 120, 60
    )

    max_body_bytes: Annotated[int, Field(ge=1024)] = 20 * 1024 * 1024
    max_upload_bytes: Annotated[int, Field(ge=1024)] = 26 * 1024 * 1024
    max_document_bytes: Annotated[int, Field(ge=1024, le=2**31 - 1)] = 100 * 1024 * 1024
    ingestion_concurrency: Annotated[int, Field(ge=1, le=64)] = 2
    batch_concurrency: Annotated[int, Field(ge=1, le=256)] = 8
    slow_body_seconds: Annotated[float, Field(ge=0.1)] = 30.0
    slow_head_seconds: Annotated[float, Field(ge=0.1)] = 10.0
    keep_alive_seconds: Annotated[int, Field(ge=1)] = 20
    max_connections: Annotated[int, Field(ge=10)] = 4096
    run_lease_seconds: Annotated[float, Field(ge=0.5, le=300)] = 5.0
    event_retention_hours: Annotated[int, Field(ge=1)] = 24
    audit_retention_days: Annotated[int, Field(ge=1, le=36_500)] = 400
    erasure_wait_hours: Annotated[int, Field(ge=0, le=720)] = 0
    erasure_settle_seconds: Annotated[float, Field(ge=0, le=30)] = 6.0
    slow_reader_seconds: Annotated[float, Field(ge=0.1)] = 30.0
    stream_ping_seconds: Annotated[float, Field(ge=0.05)] = 15.0

    provider_connect_seconds: Annotated[float, Field(gt=0)] = 5.0
    provider_first_token_seconds: Annotated[float, Field(gt=0)] = 60.0
    provider_idle_seconds: Annotated[float, Field(gt=0)] = 30.0
    provider_retries: Annotated[int, Field(ge=0, le=10)] = 2
    provider_proxy: Annotated[SecretStr, AfterValidator(_proxy)] | None = None
    outbound_allow: Annotated[tuple[str, ...], NoDecode] = ()
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
    provider_plugins: Annotated[str, AfterValidator(_plugins)] = "on"
    node_plugins: Annotated[str, AfterValidator(_plugins)] = "on"
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
