"""The way to the cluster."""

import re
from pathlib import Path
from typing import Final

from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode, TLSConfig

from app.core.config import InvalidSettings, Settings

_REFUSED: Final = re.compile(r"Status \{ code: (\w+)")
_CERTIFICATE: Final = re.compile(r"InvalidCertificate\((\w+)")


async def connected(settings: Settings) -> Client:
    """Raises InvalidSettings where no server answers there or it refuses, or has no namespace."""
    key, address = settings.temporal_api_key, settings.temporal_address
    namespace = settings.temporal_namespace
    try:
        client = await Client.connect(
            address,
            namespace=namespace,
            api_key=key.get_secret_value() if key else None,
            tls=_tls(settings),
        )
        await client.workflow_service.describe_namespace(
            DescribeNamespaceRequest(namespace=namespace)
        )
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            raise InvalidSettings(
                f"LUMINOUS_TEMPORAL_NAMESPACE cannot be used: {address} has no {namespace!r}."
            ) from None
        raise InvalidSettings(
            f"The Temporal server at {address} refuses: {error.status.name.lower()}."
        ) from None
    except RuntimeError as error:
        raise InvalidSettings(_reason(str(error), address)) from None
    return client


def _reason(said: str, address: str) -> str:
    """Why the client could not connect, which it tells in words alone."""
    if refused := _REFUSED.search(said):
        return f"The Temporal server at {address} refuses: {refused[1].lower()}."
    if wrong := _CERTIFICATE.search(said):
        return (
            f"The certificate of the Temporal server at {address} is not trusted ({wrong[1]}); "
            "LUMINOUS_TEMPORAL_CA_FILE is its authority, LUMINOUS_TEMPORAL_SERVER_NAME its name."
        )
    return f"LUMINOUS_TEMPORAL_ADDRESS cannot be used: no Temporal server answers at {address}."


def _tls(settings: Settings) -> TLSConfig | bool:
    files = (
        settings.temporal_ca_file,
        settings.temporal_certificate_file,
        settings.temporal_key_file,
    )
    if (files[1] is None) != (files[2] is None):
        raise InvalidSettings(
            "LUMINOUS_TEMPORAL_CERTIFICATE_FILE and LUMINOUS_TEMPORAL_KEY_FILE go together."
        )
    name = settings.temporal_server_name
    if not any(files) and not name:
        return settings.temporal_tls or settings.temporal_api_key is not None
    authority, certificate, own_key = map(_read, files)
    return TLSConfig(
        server_root_ca_cert=authority,
        domain=name or None,
        client_cert=certificate,
        client_private_key=own_key,
    )


def _read(file: Path | None) -> bytes | None:
    try:
        return file.read_bytes() if file else None
    except OSError as error:
        raise InvalidSettings(f"{file} cannot be read: {error.strerror}.") from None
