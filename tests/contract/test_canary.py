"""No secret is seen again: not in logs, answers, tables, Valkey, files or the OpenAPI document.

The service runs as a process of its own at the most talkative log level. Canaries go into every
field that takes a secret, into headers, cookies, addresses and bad bodies, and into a provider
that repeats its key; then everything that was written is searched for all of them.
"""

import base64
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx2
import pyotp
import pytest
import redis
from sqlalchemy import text

from app.core.config import Settings
from app.core.db import sync_engine
from app.tables import Base
from tests.cli.test_up import ENVIRONMENT, free_port
from tests.support.canaries import Aviary, Place, around, planted, secret_places, text_of
from tests.support.echoing import EchoingProvider, echoing_provider
from tests.support.openapi import BODIES, Operation, operations_of
from tests.support.sampling import part_of
from tests.support.starting import Started

pytestmark = pytest.mark.timeout(400)

ORIGIN = "https://app.example"


@dataclass
class Running:
    """The service under test, its settings' secrets among the canaries."""

    aviary: Aviary
    http: httpx2.Client
    document: dict[str, Any]
    provider: EchoingProvider
    database_url: str
    redis_url: str
    data: Path
    log: Path
    github_secret: str

    @property
    def operations(self) -> list[Operation]:
        return list(operations_of(self.document))

    def plant(self, kind: str) -> str:
        return self.aviary.new(kind)

    def new_person(self) -> tuple[dict[str, str], str, str]:
        """Headers, e-mail address and password of someone who has just signed in."""
        email, password = f"{uuid4().hex}@example.com", self.plant("password")
        body = {"email": email, "password": password}
        assert self.http.post("/v1/auth/register", json=body).status_code == 201
        return self.sign_in(email, password), email, password

    def sign_in(self, email: str, password: str) -> dict[str, str]:
        answer = self.http.post(
            "/v1/auth/login",
            json={"email": email, "password": password, "refresh_token_in": "body"},
        )
        assert answer.status_code == 200, answer.text
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def launch(
    running: Callable[..., Running],
    settings: Settings,
    form: str,
    document: dict[str, Any] | None = None,
) -> Iterator[Running]:
    """Run the service with its log in a file, and whatever else is needed to be looked at."""
    database_url = settings.database_url.get_secret_value()
    redis_url = settings.redis_url.get_secret_value()
    data = settings.data_dir
    aviary, port, log = Aviary(), free_port(), data.with_suffix(".log")
    master = aviary.new("master")[:32].ljust(32, "x")
    aviary.homes[master] = None
    with echoing_provider() as provider:
        environment = ENVIRONMENT | {
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "LUMINOUS_DATA_DIR": str(data),
            "LUMINOUS_LOG_LEVEL": "debug",
            "LUMINOUS_LOG_FORMAT": form,
            "LUMINOUS_MASTER_KEY": base64.b64encode(master.encode()).decode(),
            "LUMINOUS_METRICS_TOKEN": aviary.new("metrics"),
            "LUMINOUS_SMTP_URL": f"smtp://user:{aviary.new('smtp')}@127.0.0.1:{free_port()}",
            "LUMINOUS_GITHUB_CLIENT_ID": "luminous",
            "LUMINOUS_GITHUB_CLIENT_SECRET": (github := aviary.new("github")),
            "LUMINOUS_CORS_ORIGINS": ORIGIN,
            "LUMINOUS_GITHUB_URL": provider.url,
            "LUMINOUS_OUTBOUND_ALLOW": "127.0.0.1",
            "LUMINOUS_DISCOVER_LOCAL_MODELS": "false",
            "LUMINOUS_DEMO_PROVIDER": "always",
            "LUMINOUS_PROVIDER_RETRIES": "0",
            "LUMINOUS_SIGN_IN_FREE_ATTEMPTS": "100",
            "LUMINOUS_SIGN_IN_FREE_ATTEMPTS_PER_ADDRESS": "100000",
            "LUMINOUS_RATE_LIMIT_SENSITIVE": "100000/60",
            "LUMINOUS_RATE_LIMIT_ATTEMPTS": "100000/60",
        }
        process = Started(["serve", "--port", str(port)], environment, log)
        try:
            address = f"http://127.0.0.1:{port}"
            with httpx2.Client(
                base_url=address, timeout=30, event_hooks={"response": [aviary.record]}
            ) as http:
                _await(http, process, log)
                document = document or http.get("/openapi.json").json()
                yield running(
                    aviary,
                    http,
                    document,
                    provider,
                    database_url,
                    redis_url,
                    data,
                    log,
                    github,
                )
        finally:
            process.terminate()
            process.wait(30)


def _await(http: httpx2.Client, process: Started, log: Path) -> None:
    deadline = time.monotonic() + 60
    while True:
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        try:
            if http.get("/health/ready").status_code == 200:
                return
        except httpx2.TransportError:
            time.sleep(0.1)


@pytest.fixture(scope="module")
def service(apart) -> Iterator[Running]:
    yield from launch(Running, apart("canary"), "json")


@pytest.fixture
def console_service(apart, service) -> Iterator[Running]:
    yield from launch(Running, apart("console"), "console", service.document)


# --- What is planted -----------------------------------------------------------------------------


def plant_in_every_field(service: Running) -> set[tuple[str, Place]]:
    """Send a canary in each field that takes a secret, rightly and wrongly; returns the fields."""
    reached: set[tuple[str, Place]] = set()
    for operation in service.operations:
        places = secret_places(operation.body or {})
        if not places:
            continue
        headers, _, _ = service.new_person()
        for place in sorted(places):
            _send_planted(
                service, operation, place, headers if operation.guarded else {}, len(reached)
            )
            reached.add((operation.id, place))
    return reached


def _send_planted(
    service: Running, operation: Operation, place: Place, headers: dict[str, str], turn: int
) -> None:
    """Rightly, and in some of the wrong ways: what reads them is the same for all fields."""
    path = operation.address({name: str(uuid4()) for name in operation.path_parameters})
    example = BODIES.get(operation.id)

    def body() -> Any:
        canary = service.plant(place[-1])
        return planted(operation.body or {}, place, canary, example)

    ways: list[Callable[[], dict[str, Any]]] = [
        lambda: {"json": body()},
        lambda: {"json": body(), "headers": headers | {"Idempotency-Key": uuid4().hex}},
        lambda: {"json": body(), "headers": headers, "params": {"dry_run": "true"}},
        lambda: {"json": [body()], "headers": headers},
        lambda: {"json": body() | {"x_secret": service.plant("extra")}, "headers": headers},
        lambda: {"json": body() | {place[0]: [service.plant("list")]}, "headers": headers},
        lambda: {"json": body() | {place[0]: {"it": service.plant("object")}}, "headers": headers},
        lambda: {"json": body() | {place[0]: service.plant("long") * 2000}, "headers": headers},
        lambda: {
            "content": f'{{"{place[-1]}": "{service.plant("torn")}',
            "headers": headers | {"Content-Type": "application/json"},
        },
        lambda: {"data": {place[-1]: service.plant("form")}, "headers": headers},
    ]
    for way in [lambda: {"json": body(), "headers": headers}, *part_of(ways, turn, 5)]:
        answer = service.http.request(operation.method, path, **way())
        assert answer.status_code < 500, answer.text


def plant_in_requests(service: Running) -> None:
    """Credentials that open nothing, in headers, cookies and addresses."""
    basic = base64.b64encode(f"user:{service.plant('basic')}".encode()).decode()
    plant = service.plant
    carried: list[dict[str, Any]] = [
        {"headers": {"Authorization": f"Bearer {plant('bearer')}"}},
        {"headers": {"Authorization": f"Bearer lum_live_{plant('key')}"}},
        {"headers": {"Authorization": f"Basic {basic}"}},
        {"headers": {"Authorization": plant("scheme")}},
        {"headers": {"x-api-key": plant("key")}},
        {"headers": {"x-goog-api-key": plant("key")}},
        {"headers": {"Cookie": f"luminous_refresh={plant('cookie')}; session={plant('cookie')}"}},
        {"params": {"api_key": plant("query"), "token": plant("query")}},
        {"params": {"ticket": plant("ticket"), "access_token": plant("query")}},
        {"params": {"cursor": plant("cursor"), "code": plant("code"), "state": plant("state")}},
        {"headers": {"Idempotency-Key": plant("idempotency"), "If-Match": plant("match")}},
    ]
    for number, operation in enumerate(service.operations):
        path = operation.address({name: str(uuid4()) for name in operation.path_parameters})
        # What reads them is the same for all routes: each gets one, and some get all.
        for given in carried if number % 20 == 0 else [carried[number % len(carried)]]:
            answer = service.http.request(operation.method, path, **given)
            assert answer.status_code < 500, (operation.id, answer.text)
    for vendor in ("/openai/v1/chat/completions", "/anthropic/v1/messages"):
        for given in carried:
            service.http.post(vendor, json={"model": "demo/chat", "messages": []}, **given)
    service.http.get(f"/v1/{plant('path')}")
    service.http.get("/metrics", headers={"Authorization": f"Bearer {plant('metrics')}"})


def plant_in_lives(service: Running) -> None:
    """What succeeds: accounts, sign-ins, keys, second factors; and the secrets handed out there."""
    headers, email, password = service.new_person()
    http = service.http
    wrong = {"email": email, "password": service.plant("wrong")}
    assert http.post("/v1/auth/login", json=wrong).status_code == 401
    key = http.post("/v1/api-keys", json={"name": "One"}, headers=headers)
    assert key.status_code == 201
    bearer = {"Authorization": f"Bearer {key.json()['key']}"}
    assert http.get("/v1/me", headers=bearer).status_code == 200
    again = {"Idempotency-Key": uuid4().hex}
    http.post("/v1/api-keys", json={"name": "Two"}, headers=headers | again)
    signed = http.post(
        "/v1/auth/login",
        json={"email": email, "password": password, "refresh_token_in": "body"},
    ).json()
    http.post("/v1/auth/refresh", json={"refresh_token": signed["refresh_token"]})
    http.post("/v1/auth/forgot-password", json={"email": email})
    http.post("/v1/stream-tickets", headers=headers)
    enrolled = http.post("/v1/me/totp", headers=headers)
    assert enrolled.status_code == 201, enrolled.text
    code = pyotp.TOTP(enrolled.json()["secret"]).now()
    confirmed = http.post("/v1/me/totp/confirm", json={"code": code}, headers=headers)
    assert confirmed.json()["recovery_codes"], confirmed.text
    challenged = http.post("/v1/auth/login", json={"email": email, "password": password})
    assert challenged.status_code == 200, challenged.text
    http.post("/v1/me/recovery-codes", headers=headers)
    changed = http.post(
        "/v1/me/password",
        json={"current_password": password, "new_password": service.plant("new")},
        headers=headers,
    )
    assert changed.status_code < 500, changed.text
    http.post("/v1/auth/login", json={"email": email, "password": password})


def plant_by_issuing(service: Running) -> None:
    """Every write once with a body that passes: what it hands out is looked for, too."""
    headers, _, _ = service.new_person()
    for operation in service.operations:
        if operation.method == "GET" or operation.path_parameters:
            continue
        if service.http.get("/v1/me", headers=headers).status_code != 200:
            headers, _, _ = service.new_person()
        body = BODIES.get(operation.id) if operation.body else None
        answer = service.http.request(operation.method, operation.path, json=body, headers=headers)
        assert answer.status_code < 500, (operation.id, answer.text)


def plant_in_sign_in_by_another(service: Running) -> None:
    """A provider that repeats our client secret where it should give a token."""
    service.provider.form, service.provider.status = "json", 400
    heard = len(service.provider.heard)
    for _ in range(2):
        begun = service.http.post(
            "/v1/auth/sso/start",
            json={"provider": "github", "redirect_to": f"{ORIGIN}/signed-in"},
        )
        assert begun.status_code == 200, begun.text
        query = parse_qs(urlsplit(begun.json()["authorization_url"]).query)
        back = {"state": query["state"][0], "code": service.plant("code")}
        # A browser that came by https sends its cookie back.
        cookies = [line.partition(";")[0] for line in begun.headers.get_list("set-cookie")]
        answer = service.http.get(
            "/v1/auth/sso/callback", params=back, headers={"Cookie": "; ".join(cookies)}
        )
        assert answer.status_code < 500, answer.text
    said = " ".join(service.provider.heard[heard:])
    assert service.github_secret in service.aviary.seen_in(said)


def plant_in_providers(service: Running) -> None:
    """A provider's key, repeated by the provider in each of its errors."""
    headers, _, _ = service.new_person()
    secret = service.plant("providerkey")
    made = service.http.post(
        "/v1/integrations",
        json={
            "kind": "openai", "slug": "echo", "name": "Echo", "api_key": secret,
            "base_url": f"{service.provider.url}/v1",
        },
        headers=headers,
    )  # fmt: skip
    assert made.status_code == 201, made.text
    heard = len(service.provider.heard)
    for form, status in (("json", 401), ("json", 500), ("html", 403), ("html", 503), ("stream", 0)):
        service.provider.form, service.provider.status = form, status
        service.http.post(f"/v1/integrations/{made.json()['id']}/test", headers=headers)
        for stream in (False, True):
            body = {
                "model": "echo/gpt-5.5", "stream": stream,
                "messages": [{"role": "user", "content": "Hello"}],
            }  # fmt: skip
            service.http.post("/v1/chat", json=body, headers=headers)
            service.http.post("/openai/v1/chat/completions", json=body, headers=headers)
            service.http.post(
                "/anthropic/v1/messages", json=body | {"max_tokens": 9}, headers=headers
            )
    assert any(secret in said for said in service.provider.heard[heard:])
    for path in ("/v1/integrations", "/v1/runs", "/v1/conversations", "/v1/audit-logs"):
        assert service.http.get(path, headers=headers).status_code == 200


# --- Where they are looked for -------------------------------------------------------------------


def findings(service: Running) -> Iterator[str]:
    """Every canary that was seen again, and where."""
    aviary = service.aviary
    for answer in aviary.answers:
        content = text_of(answer)
        for canary in aviary.seen_in(content, but=answer):
            asked = f"{answer.request.method} {answer.request.url.path} {answer.status_code}"
            yield f"answer of {asked}: {canary}: {around(content, canary)}"
    yield from findings_in(service, [_log(service), *_tables(service), *_valkey(service)])
    yield from findings_in(service, _files(service))


def findings_in(service: Running, places: Iterable[tuple[str, str]]) -> Iterator[str]:
    for where, content in places:
        for canary in service.aviary.seen_in(content):
            yield f"{where}: {canary}: {around(content, canary)}"


def _log(service: Running) -> tuple[str, str]:
    return "log", service.log.read_text(errors="replace")


def _tables(service: Running) -> Iterator[tuple[str, str]]:
    engine = sync_engine(service.database_url)
    with engine.connect() as connection:
        for table in Base.metadata.sorted_tables:
            rows = connection.execute(text(f"select t::text from {table.name} t"))  # noqa: S608
            yield f"table {table.name}", "\n".join(rows.scalars())
    engine.dispose()


def _valkey(service: Running) -> Iterator[tuple[str, str]]:
    client = redis.Redis.from_url(service.redis_url)
    readers: dict[bytes, Callable[[bytes], Any]] = {
        b"string": client.get,
        b"hash": client.hgetall,
        b"list": lambda key: client.lrange(key, 0, -1),
        b"set": client.smembers,
        b"zset": lambda key: client.zrange(key, 0, -1, withscores=True),
        b"stream": client.xrange,
        b"none": lambda _: b"",  # its time was over meanwhile
    }
    for key in client.scan_iter(count=1000):
        yield f"Valkey {key!r}", f"{key!r} {readers[client.type(key)](key)!r}"
    client.close()


def _files(service: Running) -> Iterator[tuple[str, str]]:
    for path in service.data.rglob("*"):
        if path.is_file():
            yield f"file {path.name}", path.read_bytes().decode("latin-1")


def test_no_secret_is_seen_again(service: Running) -> None:
    reached = plant_in_every_field(service)
    taken = {
        (operation.id, place)
        for operation in service.operations
        for place in secret_places(operation.body or {})
    }
    assert reached == taken
    assert len(taken) > 10
    plant_in_requests(service)
    plant_in_lives(service)
    plant_by_issuing(service)
    plant_in_sign_in_by_another(service)
    plant_in_providers(service)
    service.http.get("/openapi.json")
    assert service.log.stat().st_size > 0
    found = list(findings(service))
    assert not found, "\n".join([f"{len(found)} findings", *found[:40]])


def test_no_secret_is_seen_in_a_log_for_people(console_service: Running) -> None:
    """The walk above, in short: what reaches a log is the same, only its form is another."""
    plant_in_lives(console_service)
    plant_in_providers(console_service)
    console_service.http.get(f"/v1/{console_service.plant('path')}")
    _, written = _log(console_service)
    assert "request_id=req_" in written
    assert not list(findings_in(console_service, [("log", written)]))


def test_the_search_finds_what_is_there(service: Running) -> None:
    """The proof of the proof: a secret in a table, in Valkey and in a file is found."""
    canary = service.plant("control")
    engine = sync_engine(service.database_url)
    client = redis.Redis.from_url(service.redis_url)
    with engine.begin() as connection:
        connection.execute(
            text("insert into root_secrets (id, sealed_secret) values (gen_random_uuid(), :s)"),
            {"s": canary.encode()},
        )
    client.set("canary", canary)
    (service.data / "canary").write_text(f"x{base64.b64encode(canary.encode()).decode()}")
    try:
        found = " ".join(f for f in findings(service) if canary in f)
        for place in ("table root_secrets", "Valkey b'canary'", "file canary"):
            assert place in found
    finally:
        with engine.begin() as connection:
            connection.execute(
                text("delete from root_secrets where sealed_secret = :s"), {"s": canary.encode()}
            )
        client.delete("canary")
        (service.data / "canary").unlink()
        client.close()
        engine.dispose()
