"""DATABASE_URL, read as libpq reads it.

Neither driver takes all of that form, and each has other words for it: both are told in their own.
"""

import re
import ssl
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote

CONNECT_SECONDS: Final = 10
_FORM: Final = re.compile(
    r"postgres(?:ql)?(?:\+\w+)?://"
    r"(?:(?P<user>[^:/?@]*)(?::(?P<password>[^@]*))?@)?"
    r"(?P<host>[^/?@]*)(?:/(?P<dbname>[^?]*))?(?:\?(?P<query>.*))?"
)
_HOST: Final = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\[\]:]*))(?::([0-9]{1,5}))?")
_PARAMETERS: Final = (
    "application_name", "connect_timeout", "dbname", "host", "options", "password", "port",
    "sslcert", "sslkey", "sslmode", "sslpassword", "sslrootcert", "target_session_attrs", "user",
)  # fmt: skip
_MODES: Final = ("disable", "prefer", "require", "verify-ca", "verify-full")
_SESSIONS: Final = ("any", "read-write", "primary")


class InvalidDatabaseUrl(ValueError):
    """It cannot be used; the message says why, and nothing of who signs in."""


@dataclass(frozen=True, slots=True)
class DatabaseUrl:
    """Where Postgres is, and how it is spoken to.

    `hosts` are tried in their order; one that begins with a slash is the folder of a unix socket.
    `tls` is what certificates are checked by, and None where `sslmode` asks for no TLS: then
    `preferred` tells whether it is taken where Postgres offers it.
    """

    hosts: tuple[tuple[str, int], ...]
    user: str
    password: str | None = field(repr=False)
    database: str | None
    tls: ssl.SSLContext | None
    preferred: bool
    session: str
    connect_seconds: int
    application_name: str
    options: dict[str, str]

    @property
    def is_local(self) -> bool:
        return all(host.startswith("/") for host, _ in self.hosts)

    def for_asyncpg(self) -> dict[str, Any]:
        hosts, ports = zip(*self.hosts, strict=True)
        return {
            "host": list(hosts),
            "port": list(ports),
            "user": self.user,
            "password": self.password,
            "database": self.database,
            # It has no use for TLS at a unix socket, but would read certificates for it.
            "ssl": self.tls or ("prefer" if self.preferred and not self.is_local else False),
            "target_session_attrs": self.session,
            "timeout": self.connect_seconds,
            "server_settings": {"application_name": self.application_name, **self.options},
        }

    def for_pg8000(self) -> list[dict[str, Any]]:
        """One for each host: it takes a single one."""
        shared = {
            "user": self.user,
            "password": self.password,
            "database": self.database,
            "timeout": self.connect_seconds,
            "application_name": self.application_name,
            "startup_params": self.options,
        }
        # To it None means: where Postgres offers it.
        tls = self.tls or (None if self.preferred else False)
        return [
            {"unix_sock": f"{host}/.s.PGSQL.{port}", "ssl_context": False, **shared}
            if host.startswith("/")
            else {"host": host, "port": port, "ssl_context": tls, **shared}
            for host, port in self.hosts
        ]


def parse_database_url(url: str) -> DatabaseUrl:
    """Raises InvalidDatabaseUrl; files that it names are read here."""
    form = _FORM.fullmatch(url)
    if form is None:
        raise InvalidDatabaseUrl(
            "it is not a database address; it looks like postgresql://user:password@host/name, "
            "with `@`, `/`, `?` and `%` of a password as %40, %2F, %3F and %25"
        )
    given = {name: form[name] for name in ("user", "password", "host", "dbname") if form[name]}
    given |= _parameters(form["query"] or "")
    hosts = _hosts(given.pop("host", ""), given.pop("port", ""))
    named = {name: unquote(value) for name, value in given.items()}
    if "user" not in named:
        raise InvalidDatabaseUrl("it names no user; it looks like postgresql://user:pw@host/name")
    mode = named.get("sslmode", "prefer")
    return DatabaseUrl(
        hosts=hosts,
        user=named["user"],
        password=named.get("password"),
        database=named.get("dbname"),
        tls=_tls(_one_of("sslmode", mode, _MODES), named),
        preferred=mode == "prefer",
        session=_one_of(
            "target_session_attrs", named.get("target_session_attrs", "any"), _SESSIONS
        ),
        connect_seconds=_seconds(named.get("connect_timeout", str(CONNECT_SECONDS))),
        application_name=named.get("application_name", "luminous"),
        options={"options": named["options"]} if "options" in named else {},
    )


def _parameters(query: str) -> dict[str, str]:
    """As they are written; an empty one is not given."""
    given: dict[str, str] = {}
    for pair in filter(None, query.split("&")):
        name, _, value = pair.partition("=")
        if name not in _PARAMETERS:
            raise InvalidDatabaseUrl(
                f"its parameter {unquote(name)[:60]!r} is not known here; known are "
                f"{', '.join(_PARAMETERS)}"
            )
        if name in given:
            raise InvalidDatabaseUrl(f"it gives {name} twice")
        given[name] = value
    return {name: value for name, value in given.items() if value}


def _hosts(given: str, ports: str) -> tuple[tuple[str, int], ...]:
    """Each with its port; a comma that is encoded belongs to a name."""
    hosts = given.split(",")
    shared = ports.split(",") if ports else ["5432"]
    if len(shared) == 1:
        shared *= len(hosts)
    if len(shared) != len(hosts):
        raise InvalidDatabaseUrl("it names another number of ports than of hosts")
    return tuple(_host(host, port) for host, port in zip(hosts, shared, strict=True))


def _host(given: str, usual_port: str) -> tuple[str, int]:
    parts = _HOST.fullmatch(given)
    port = (parts and parts[3]) or usual_port
    if parts is None or not (port.isdecimal() and 0 < int(port) < 65536):
        raise InvalidDatabaseUrl(
            "its hosts are no hosts with ports; they look like db.example.com:5432 or [::1]:5432, "
            "with commas between several, and a unix socket like ?host=/run/postgresql"
        )
    name = unquote(parts[1] or parts[2])
    if not name:
        raise InvalidDatabaseUrl("it names no host; for a unix socket write ?host=/run/postgresql")
    return name, int(port)


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise InvalidDatabaseUrl(f"its {name} is one of {', '.join(allowed)}")
    return value


def _seconds(given: str) -> int:
    if not given.isdecimal() or not 0 < int(given) <= 600:
        raise InvalidDatabaseUrl("its connect_timeout is a number of seconds from 1 to 600")
    return int(given)


def _tls(mode: str, given: dict[str, str]) -> ssl.SSLContext | None:
    """What the certificate of Postgres, and ours, are; None where TLS is not demanded.

    With an authority `require` checks as `verify-ca` does: libpq has it so. Without one,
    `verify-full` asks those of the system, as libpq does with `sslrootcert=system`.
    """
    authority = given.get("sslrootcert")
    if mode in ("disable", "prefer"):
        if unheeded := [name for name in ("sslrootcert", "sslcert", "sslkey") if name in given]:
            raise InvalidDatabaseUrl(
                f"its {unheeded[0]} needs sslmode=require, verify-ca or verify-full"
            )
        return None
    if (authority == "system" and mode != "verify-full") or (
        authority is None and mode == "verify-ca"
    ):
        raise InvalidDatabaseUrl(
            f"its sslmode={mode} needs the sslrootcert of an authority of your own; anybody can "
            "have a certificate of the system's, which sslmode=verify-full is for"
        )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = mode == "verify-full"
    if mode == "require" and authority is None:
        context.verify_mode = ssl.CERT_NONE
    elif authority is None or authority == "system":
        context.load_default_certs()
    else:
        _load("sslrootcert", context.load_verify_locations, authority)
    if "sslcert" in given:
        password = given.get("sslpassword", "")  # or OpenSSL would ask at the terminal
        certificate, key = given["sslcert"], given.get("sslkey")
        _load("sslcert or sslkey", context.load_cert_chain, certificate, key, lambda: password)
    return context


def _load(name: str, load: Any, *arguments: Any) -> None:
    try:
        load(*arguments)
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
        raise InvalidDatabaseUrl(f"its {name} cannot be read: {reason}") from None
