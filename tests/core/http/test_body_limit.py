"""A body's length has a bound, told or not."""

import pytest
from starlette.exceptions import HTTPException

from app.core.http.body_limit import BodyLimit


async def deliver(pieces, *, announced=None, answers_first=False, most=10):
    """Send a body in pieces to an application that reads it all; what it has read."""
    waiting, read = list(pieces), []

    async def application(_, receive, send):
        if answers_first:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        while True:
            message = await receive()
            read.append(message["body"])
            if not message["more_body"]:
                return

    async def receive():
        piece = waiting.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(waiting)}

    async def send(_):
        pass

    headers = [] if announced is None else [(b"content-length", announced)]
    scope = {"type": "http", "headers": headers}
    await BodyLimit(application, most)(scope, receive, send)
    return b"".join(read)


@pytest.mark.parametrize("pieces", [[b"x" * 10], [b"x" * 5, b"x" * 5], [b""]])
async def test_a_body_within_the_bound_is_read(pieces):
    assert await deliver(pieces) == b"".join(pieces)


@pytest.mark.parametrize("pieces", [[b"x" * 11], [b"x" * 5, b"x" * 6, b"x"]])
async def test_a_body_beyond_the_bound_is_a_413(pieces):
    with pytest.raises(HTTPException) as refused:
        await deliver(pieces)
    assert refused.value.status_code == 413


async def test_a_body_that_is_announced_too_long_is_refused_unread():
    with pytest.raises(HTTPException) as refused:
        await deliver([], announced=b"11")
    assert refused.value.status_code == 413


async def test_a_length_that_is_no_number_announces_nothing():
    assert await deliver([b"x"], announced=b"-5") == b"x"


async def test_an_answer_that_has_begun_is_not_broken_off():
    assert await deliver([b"x" * 20], announced=b"20", answers_first=True) == b"x" * 20
