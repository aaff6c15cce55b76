"""The way to a cluster: TLS, its own authority, mutual TLS, a key, and what is refused."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc
import pytest
from temporalio.api.workflowservice.v1 import (
    DescribeNamespaceRequest,
    DescribeNamespaceResponse,
    GetSystemInfoResponse,
)

from app.automation.temporal.connecting import connected
from app.core.config import InvalidSettings, Settings
from tests.support.workflows.certificates import Files

KEY, NAMESPACE = "key-of-the-cluster", "ours"


class Frontend(grpc.GenericRpcHandler):
    """Answers as a cluster does; with a `key`, only who shows it."""

    def __init__(self, key: str = "") -> None:
        self.key = key
        self.shown: list[str] = []

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        shown = dict(details.invocation_metadata).get("authorization", "")
        self.shown.append(shown)

        def answered(asked: bytes, context: grpc.ServicerContext) -> bytes:
            if self.key and shown != f"Bearer {self.key}":
                context.abort(grpc.StatusCode.UNAUTHENTICATED, "Who are you?")
            if details.method.endswith("/GetSystemInfo"):
                return GetSystemInfoResponse().SerializeToString()
            assert details.method.endswith("/DescribeNamespace")
            if DescribeNamespaceRequest.FromString(asked).namespace != NAMESPACE:
                context.abort(grpc.StatusCode.NOT_FOUND, "There is no such namespace.")
            return DescribeNamespaceResponse().SerializeToString()

        return grpc.unary_unary_rpc_method_handler(answered)


@contextmanager
def serving(
    frontend: Frontend, shown: Files | None = None, clients: Files | None = None
) -> Iterator[str]:
    """Its address; over TLS where it shows a certificate, and then only for some clients."""
    server = grpc.server(ThreadPoolExecutor(4), handlers=(frontend,))
    if shown is None:
        port = server.add_insecure_port("127.0.0.1:0")
    else:
        pair = (shown.key.read_bytes(), shown.certificate.read_bytes())
        known = clients and clients.authority.read_bytes()
        credentials = grpc.ssl_server_credentials([pair], known, clients is not None)
        port = server.add_secure_port("127.0.0.1:0", credentials)
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Files:
    return Files.made(tmp_path_factory.mktemp("cluster"), "temporal.test")


@pytest.fixture(scope="module")
def client(tmp_path_factory) -> Files:
    return Files.made(tmp_path_factory.mktemp("client"), "luminous.test")


def settings(address: str, **more) -> Settings:
    return Settings(
        _env_file=None, temporal_address=address, **{"temporal_namespace": NAMESPACE, **more}
    )


def verified(address: str, cluster: Files, **more) -> Settings:
    """Those that trust the cluster's certificate."""
    more = {"temporal_server_name": "temporal.test", **more}
    return settings(address, temporal_ca_file=cluster.authority, **more)


async def test_a_key_goes_over_tls_and_with_every_request(cluster):
    frontend = Frontend(KEY)
    with serving(frontend, cluster) as address:
        await connected(verified(address, cluster, temporal_api_key=KEY))
    assert frontend.shown
    assert set(frontend.shown) == {f"Bearer {KEY}"}


async def test_another_key_is_refused_and_not_repeated(cluster):
    with serving(Frontend(KEY), cluster) as address, pytest.raises(InvalidSettings) as told:
        await connected(verified(address, cluster, temporal_api_key="another"))
    assert f"The Temporal server at {address} refuses: unauthenticated." in str(told.value)
    assert "another" not in str(told.value)


async def test_a_key_is_never_sent_in_the_clear(cluster):
    frontend = Frontend(KEY)
    with serving(frontend) as address, pytest.raises(InvalidSettings) as told:
        await connected(settings(address, temporal_api_key=KEY))
    assert "LUMINOUS_TEMPORAL_ADDRESS" in str(told.value)
    assert frontend.shown == []


async def test_a_certificate_of_another_authority_or_name_is_refused(cluster, client):
    wrong = {"temporal_ca_file": client.authority}, {"temporal_server_name": "another.test"}
    with serving(Frontend(), cluster) as address:
        right = verified(address, cluster)
        await connected(right)
        for each in wrong:
            with pytest.raises(InvalidSettings) as told:
                await connected(right.model_copy(update=each))
            assert f"at {address} is not trusted" in str(told.value)
            assert "LUMINOUS_TEMPORAL_CA_FILE" in str(told.value)


async def test_a_cluster_that_asks_for_a_certificate_gets_it(cluster, client):
    own = {
        "temporal_certificate_file": client.certificate,
        "temporal_key_file": client.key,
    }
    with serving(Frontend(), cluster, client) as address:
        await connected(verified(address, cluster, **own))
        with pytest.raises(InvalidSettings):
            await connected(verified(address, cluster))


async def test_a_namespace_that_is_not_there_is_named():
    with serving(Frontend()) as address:
        await connected(settings(address))
        with pytest.raises(InvalidSettings) as told:
            await connected(settings(address, temporal_namespace="theirs"))
    assert "LUMINOUS_TEMPORAL_NAMESPACE cannot be used" in str(told.value)
