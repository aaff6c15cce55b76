"""What every request passes on its way in, and every answer on its way out."""

import pytest
from structlog.contextvars import bind_contextvars, get_contextvars

from app.core.config import Settings
from app.core.http.bounds import WHOLE
from app.core.http.context import add_headers
from app.core.http.edge import Edge
from app.core.http.headers import Defaults
from app.core.http.proxies import TrustedProxies

START = {"type": "http.response.start", "status": 200}
END = {"type": "http.response.body", "body": b"ok"}


def edge_around(application, **settings):
    return Edge(
        application,
        proxies=TrustedProxies(()),
        cross_origin={"allow_origins": ["https://app.example"]},
        defaults=Defaults(Settings(_env_file=None, **settings)),
        body_seconds=5,
    )


def scope_of(*headers, path="/v1/me"):
    return {
        "type": "http", "method": "GET", "path": path, "raw_path": path.encode(),
        "query_string": b"", "headers": [(name, value) for name, value in headers],
    }  # fmt: skip


class Server:
    """The other side of an application."""

    def __init__(self):
        self.sent = []

    async def receive(self):
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(self, message):
        self.sent.append(message)

    def headers(self):
        return dict(self.sent[0]["headers"])


async def answered(application, *headers, **scope):
    server = Server()
    await edge_around(application)(scope_of(*headers, **scope), server.receive, server.send)
    return server


async def fine(_scope, _receive, send):
    await send({**START, "headers": [(b"content-type", b"text/plain")]})
    await send(END)


async def test_a_request_that_comes_ahead_logs_nothing_of_the_one_before_it():
    bound = []

    async def application(scope, receive, send):
        bound.append(get_contextvars())
        bind_contextvars(run_id="of this one")
        await fine(scope, receive, send)

    first = (await answered(application)).headers()[b"x-request-id"].decode()
    second = (await answered(application)).headers()[b"x-request-id"].decode()
    assert bound == [{"request_id": first}, {"request_id": second}]


@pytest.mark.parametrize(
    ("chosen", "taken"), [(b"my-own.id_1", True), (b"x" * 65, False), (b"a b", False), (b"", False)]
)
async def test_a_client_may_name_its_request(chosen, taken):
    told = (await answered(fine, (b"x-request-id", chosen))).headers()[b"x-request-id"]
    assert (told == chosen) is taken
    assert taken or told.startswith(b"req_")


async def test_of_two_names_the_first_that_can_be_one_counts():
    server = await answered(fine, (b"x-request-id", b"no way"), (b"x-request-id", b"yes"))
    assert server.headers()[b"x-request-id"] == b"yes"


async def test_an_answer_s_own_headers_go_before_the_defaults_and_its_id_does_not():
    async def application(scope, _receive, send):
        add_headers(scope, [(b"ratelimit", b"1")])
        own = [(b"x-request-id", b"another's"), (b"referrer-policy", b"origin")]
        await send({**START, "headers": [*own, (b"content-type", b"application/json")]})
        await send(END)

    sent = (await answered(application)).sent[0]["headers"]
    names = [name for name, _ in sent]
    assert len(names) == len(set(names))
    assert dict(sent)[b"x-request-id"].startswith(b"req_")
    assert dict(sent)[b"referrer-policy"] == b"origin"
    assert dict(sent)[b"ratelimit"] == b"1"
    assert dict(sent)[b"cache-control"] == b"no-store"


async def test_what_goes_wrong_after_an_answer_began_is_not_answered_again():
    async def application(_scope, _receive, send):
        await send({**START, "headers": []})
        raise ValueError("no")

    assert [message["type"] for message in (await answered(application)).sent] == [START["type"]]


async def test_what_goes_wrong_before_is_a_problem_a_listed_page_may_read():
    async def application(_scope, _receive, _send):
        raise ValueError("no")

    server = await answered(application, (b"origin", b"https://app.example"))
    assert server.sent[0]["status"] == 500
    assert server.headers()[b"access-control-allow-origin"] == b"https://app.example"


async def test_a_piece_of_an_answer_goes_straight_to_the_server():
    """A stream has many: each call and coroutine on their way costs all of them."""
    sends = []

    async def application(scope, receive, send):
        await fine(scope, receive, send)
        sends.append(send(END))
        await sends[0]

    await answered(application)
    assert sends[0].cr_code is Server.send.__code__


@pytest.mark.parametrize("whole", [True, False])
async def test_only_a_body_that_is_not_there_yet_is_timed(whole):
    receives = []

    async def application(scope, receive, send):
        receives.append(receive)
        await fine(scope, receive, send)

    server = Server()
    scope = {**scope_of(), WHOLE: True} if whole else scope_of()
    await edge_around(application)(scope, server.receive, server.send)
    assert (receives[0] == server.receive) is whole
