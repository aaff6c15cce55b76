"""TLS as a provider's: verified, named, taken up again, and left without a goodbye."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.inference.providers import errors
from app.inference.providers.transport import Transport
from app.inference.providers.transport.tls import client_context
from tests.support.raw_server import RawConnection, RawServer, answering, chunked, whole
from tests.support.runs import until


def certificate(folder, names: list[x509.GeneralName]):
    """A certificate that signs itself, with its key; returns the file of both."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    moment = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(moment - timedelta(days=1))
        .not_valid_after(moment + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "certificate.pem"
    file.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return file


@pytest.fixture(scope="module")
def trusted(tmp_path_factory):
    names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    return certificate(tmp_path_factory.mktemp("tls"), names)


def server_context(file) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


@pytest.fixture
async def secure(settings, trusted):
    async with Transport(settings, client_context(str(trusted))) as transport:
        yield transport


async def ask(transport: Transport, server: RawServer, host: str = "localhost"):
    url = f"https://{host}:{server.port}/v1/x"
    return await transport.open("POST", url, headers={}, body=b"{}", allow_private=True)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_an_answer_comes_over_tls_and_the_connection_is_kept(secure, trusted, host):
    async with RawServer(answering(chunked([b"o", b"k"])), server_context(trusted)) as server:
        for _ in range(3):
            assert await (await ask(secure, server, host)).read_body() == b"ok"
        assert server.connections == 1


async def test_name_and_protocol_are_told_in_the_handshake(secure, trusted):
    context, named = server_context(trusted), []
    context.sni_callback = lambda _, name, __: named.append(name)
    connections = []

    async def script(connection: RawConnection) -> None:
        connections.append(connection)
        await answering(whole())(connection)

    async with RawServer(script, context) as server:
        await (await ask(secure, server)).read_body()
        assert named == ["localhost"]
        assert connections[0].tls().selected_alpn_protocol() == "http/1.1"


async def test_a_certificate_that_nobody_vouches_for_is_refused(transport, trusted):
    async with RawServer(answering(whole()), server_context(trusted)) as server:
        with pytest.raises(errors.ProviderUnreachable, match="no secure connection"):
            await ask(transport, server)


async def test_a_certificate_of_another_name_is_refused(settings, tmp_path):
    other = certificate(tmp_path, [x509.DNSName("other.example")])
    async with (
        Transport(settings, client_context(str(other))) as transport,
        RawServer(answering(whole()), server_context(other)) as server,
    ):
        with pytest.raises(errors.ProviderUnreachable, match="no secure connection"):
            await ask(transport, server)


async def test_a_server_without_tls_is_no_secure_one(secure):
    async def plain(connection: RawConnection) -> None:
        await connection.send(whole())

    async with RawServer(plain) as server:
        with pytest.raises(errors.ProviderUnreachable):
            await ask(secure, server)


async def test_old_versions_are_not_spoken(secure, trusted):
    context = server_context(trusted)
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    async with RawServer(answering(whole()), context) as server:
        with pytest.raises(errors.ProviderUnreachable):
            await ask(secure, server)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_session_is_taken_up_again(secure, trusted, version):
    context = server_context(trusted)
    context.maximum_version = version
    resumed = []

    async def once(connection: RawConnection) -> None:
        resumed.append(connection.tls().session_reused)
        await connection.request()
        await connection.send(whole())

    async with RawServer(once, context) as server:
        for _ in range(3):
            assert await (await ask(secure, server)).read_body() == b"ok"
            await until(lambda: not secure._pool._open)
        assert resumed == [False, True, True]


async def test_closing_does_not_wait_for_the_peers_goodbye(secure, trusted):
    async def stuck(connection: RawConnection) -> None:
        await connection.request()
        await connection.send(whole()[:-1])
        await connection.until_gone()

    async with RawServer(stuck, server_context(trusted)) as server:
        exchange = await ask(secure, server)
        exchange.close()
        await until(lambda: server.open_connections == 0)


async def test_a_handshake_that_never_ends_times_out(settings, trusted):
    async def silent(connection: RawConnection) -> None:
        await connection.until_gone()

    patient = Transport(settings, client_context(str(trusted)))
    async with patient as transport, RawServer(silent) as server:
        url = f"https://localhost:{server.port}/"
        options = {"headers": {}, "allow_private": True, "connect_seconds": 0.2}
        with pytest.raises(errors.ProviderTimedOut, match="no connection"):
            await transport.open("GET", url, **options)
        await until(lambda: server.open_connections == 0)


async def test_a_break_in_a_body_is_an_interruption_over_tls_too(secure, trusted):
    async def cut(connection: RawConnection) -> None:
        await connection.request()
        await connection.send(whole(b"0123456789")[:-4])
        await asyncio.sleep(0.05)
        connection.abort()

    async with RawServer(cut, server_context(trusted)) as server:
        exchange = await ask(secure, server)
        with pytest.raises(errors.ProviderInterrupted):
            await exchange.read_body()
