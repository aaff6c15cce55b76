"""Mail in tests: the development mailbox of the running service, and a real SMTP server."""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.core.clock import now
from tests.support.identity import until

TOKEN = re.compile(r"^[A-Za-z0-9_-]{43}$", re.MULTILINE)


def _read(path: Path) -> bytes:
    """A letter; empty where an erasure has taken it away meanwhile."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


class Inbox:
    """What the development mailbox holds for one address."""

    def __init__(self, data_dir: Path, address: str) -> None:
        self._folder = data_dir / "mailbox"
        self._address = address

    def letters(self) -> list[EmailMessage]:
        named = self._address.encode()
        files = map(_read, sorted(self._folder.glob("*.eml")))
        found = [message_from_bytes(f, policy=policy.default) for f in files if named in f]
        return [letter for letter in found if letter["To"] == self._address]

    async def letter(self, subject: str, *, of: int = 1) -> EmailMessage:
        """The newest of so many letters whose subject has these words, once they are there."""
        found: list[EmailMessage] = []

        async def arrived() -> bool:
            found[:] = [each for each in self.letters() if subject in each["Subject"]]
            return len(found) >= of

        await until(arrived)
        return found[-1]

    async def token(self, subject: str, *, of: int = 1) -> str:
        """The token in the newest of so many letters whose subject has these words."""
        letter = await self.letter(subject, of=of)
        return TOKEN.findall(letter.get_content().replace("\r", ""))[0]


@dataclass
class Postbox:
    """An SMTP server's handler: keeps what it takes, and refuses whom it is told to."""

    port: int = 0
    refusals: dict[str, str] = field(default_factory=dict)
    taken: list[EmailMessage] = field(default_factory=list)
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)

    async def handle_RCPT(self, _server, _session, envelope: Envelope, address: str, _options):  # noqa: N802
        if address in self.refusals:
            return self.refusals[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, _session: Session, envelope: Envelope):  # noqa: N802
        self.encrypted.append(server.transport.get_extra_info("ssl_object") is not None)
        self.taken.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"


@asynccontextmanager
async def smtp_server(
    *, port: int = 0, tls: ssl.SSLContext | None = None, start_tls: ssl.SSLContext | None = None
) -> AsyncIterator[Postbox]:
    """A real SMTP server on a loopback port."""
    postbox = Postbox()

    def authenticate(_server, _session, _envelope, _mechanism, login) -> object:
        postbox.logins.append((login.login, login.password))
        return AuthResult(success=True)

    def serve() -> SMTP:
        return SMTP(
            postbox,
            hostname="localhost",
            tls_context=start_tls,
            require_starttls=start_tls is not None,
            authenticator=authenticate,
            auth_require_tls=False,
            enable_SMTPUTF8=True,
        )

    server = await asyncio.get_running_loop().create_server(serve, "127.0.0.1", port, ssl=tls)
    postbox.port = server.sockets[0].getsockname()[1]
    try:
        yield postbox
    finally:
        server.close()
        await server.wait_closed()


def certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate for localhost, and the server's context that shows it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now() - timedelta(days=1))
        .not_valid_after(now() + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    shown, hidden = folder / "certificate.pem", folder / "key.pem"
    shown.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    hidden.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(shown, hidden)
    return shown, context
