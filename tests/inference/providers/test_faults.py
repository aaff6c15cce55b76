"""Every fault of every vendor's fake becomes the documented error, streamed and not."""

import asyncio
import socket
from contextlib import aclosing

import pytest

from app.inference.providers import errors
from app.inference.providers.registry import build_provider
from app.inference.providers.types import TextDelta
from tests.inference.providers.asking import ask, streamed, text_until_error
from tests.support.fakes.base import (
    KEY,
    Said,
    body_of,
    comments,
    cut_in_character,
    drop_after,
    drop_before_head,
    end_early,
    error_after,
    garbage_after,
    raw_stream,
    silence,
    status,
)
from tests.support.runs import until

STATUSES = [
    (status(401), errors.ProviderAuthFailed, 401, None),
    (status(402), errors.ProviderQuotaExceeded, 402, None),
    (status(429), errors.ProviderRateLimited, 429, None),
    (status(429, headers={"retry-after": "7"}), errors.ProviderRateLimited, 429, 7),
    (status(500), errors.ProviderFailed, 500, None),
    (status(529), errors.ProviderOverloaded, 529, None),
    (status(400), errors.ProviderRejected, 400, None),
    (status(400, "prompt is too long"), errors.ContextTooLong, 400, None),
    (status(404, "no such model"), errors.ModelNotFound, 404, None),
    (body_of(b"<html>", "text/html", 502), errors.ProviderFailed, 502, None),
]
# How many frames each fake sends before its first token and up to the second one.
BEFORE = {"openai": 1, "anthropic": 2, "gemini": 0}


@pytest.mark.parametrize(("action", "expected", "code", "wait"), STATUSES)
async def test_a_status_is_the_documented_error(fake, provider, action, expected, code, wait):
    for call in (provider.complete, lambda request: streamed(provider, request)):
        fake.will(action)
        with pytest.raises(expected) as caught:
            await call(ask())
        assert type(caught.value) is expected
        assert caught.value.upstream_status == code
        assert caught.value.retry_after == wait


async def test_a_key_that_is_echoed_is_not_told(fake, provider):
    fake.will(status(401, f"The key {KEY} is wrong."))
    with pytest.raises(errors.ProviderAuthFailed) as caught:
        await provider.complete(ask())
    assert KEY not in str(caught.value.problem())
    assert "[redacted]" in caught.value.detail


async def test_a_refused_connection_is_unreachable(transport, settings):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/v1"
    provider = build_provider("openai", url, KEY, transport, settings, allow_private=True)
    for call in (provider.complete(ask()), streamed(provider, ask()), provider.check()):
        with pytest.raises(errors.ProviderUnreachable, match="refused"):
            await call


async def test_a_name_that_does_not_resolve_is_unreachable(transport, settings, monkeypatch):
    async def unknown(host):
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    monkeypatch.setattr("app.inference.providers.transport.resolving.look_up", unknown)
    provider = build_provider("openai", "http://nowhere.invalid/v1", KEY, transport, settings)
    with pytest.raises(errors.ProviderUnreachable, match="resolved"):
        await provider.complete(ask())


async def test_a_character_cut_in_two_arrives_whole(fake, provider):
    fake.will(cut_in_character())
    assert (await streamed(provider, ask())).text == "Hello, wörld 🌍"


async def test_a_drop_before_the_head_is_unreachable(fake, provider):
    fake.will(drop_before_head(), drop_before_head())
    with pytest.raises(errors.ProviderUnreachable):
        await provider.complete(ask())
    with pytest.raises(errors.ProviderUnreachable):
        await streamed(provider, ask())


async def test_a_drop_before_the_first_token_is_unreachable(fake, provider):
    fake.will(drop_after(BEFORE[fake.kind]))
    text, error = await text_until_error(provider, ask())
    assert type(error) is errors.ProviderUnreachable
    assert text == ""


async def test_a_drop_after_the_first_token_is_an_interruption(fake, provider):
    fake.will(drop_after(BEFORE[fake.kind] + 2))
    text, error = await text_until_error(provider, ask())
    assert type(error) is errors.ProviderInterrupted
    assert text == "Hello, "


async def test_silence_before_the_head_times_out(fake, impatient_provider):
    fake.will(silence(None))
    with pytest.raises(errors.ProviderTimedOut):
        await streamed(impatient_provider, ask())


async def test_silence_instead_of_an_answer_times_out(fake, impatient_provider):
    impatient_provider._first_token_seconds = 0.03
    fake.will(silence(None))
    with pytest.raises(errors.ProviderTimedOut):
        await impatient_provider.complete(ask())


async def test_silence_after_the_head_times_out(fake, impatient_provider):
    fake.will(silence(0))
    with pytest.raises(errors.ProviderTimedOut):
        await streamed(impatient_provider, ask())


async def test_silence_after_the_first_token_times_out(fake, impatient_provider):
    fake.will(silence(BEFORE[fake.kind] + 1))
    text, error = await text_until_error(impatient_provider, ask())
    assert type(error) is errors.ProviderTimedOut
    assert text == "Hel"


async def test_comments_do_not_pass_for_a_first_token(fake, impatient_provider):
    fake.will(comments(40, 0.05))
    _, error = await text_until_error(impatient_provider, ask())
    assert type(error) is errors.ProviderTimedOut


async def test_garbage_in_midstream_is_told_after_what_came_before(fake, provider):
    fake.will(garbage_after(BEFORE[fake.kind] + 1))
    text, error = await text_until_error(provider, ask())
    assert type(error) is errors.ProviderGarbled
    assert text == "Hel"


@pytest.mark.parametrize(
    "payload", [b"not json", b"[]", b"{}", b"null", b'{"choices": 5}', b'"text"', b"", b"\xff\xfe"]
)
async def test_a_garbage_body_is_garbled(fake, provider, payload):
    fake.will(body_of(payload), body_of(payload), raw_stream(b"data: ", payload, b"\n\n"))
    for call in (provider.complete, *[lambda request: streamed(provider, request)] * 2):
        with pytest.raises(errors.ProviderGarbled):
            await call(ask())


async def test_a_page_instead_of_a_stream_is_garbled(fake, provider):
    fake.will(body_of(b"<html>", "text/html"))
    with pytest.raises(errors.ProviderGarbled, match="text/html"):
        await streamed(provider, ask())


async def test_an_error_in_json_instead_of_a_stream_is_that_error(fake, provider):
    fake.will(status(200, "Over capacity."))
    with pytest.raises(errors.ProviderFailed, match="Over capacity"):
        await streamed(provider, ask())


async def test_a_stream_without_its_closing_event_is_garbled(fake, provider):
    fake.will(end_early())
    text, error = await text_until_error(provider, ask())
    assert type(error) is errors.ProviderGarbled
    assert text == "Hello, wörld 🌍"


async def test_an_in_band_error_before_the_first_token_is_that_error(fake, provider):
    fake.will(error_after(BEFORE[fake.kind]))
    text, error = await text_until_error(provider, ask())
    assert type(error) is errors.ProviderOverloaded
    assert text == ""


async def test_an_in_band_error_after_the_first_token_keeps_the_text(fake, provider):
    fake.will(error_after(BEFORE[fake.kind] + 1))
    text, error = await text_until_error(provider, ask())
    assert type(error) is errors.ProviderOverloaded
    assert text == "Hel"


async def test_a_redirect_is_not_followed(fake, provider):
    fake.will(status(302, headers={"location": "http://169.254.169.254/"}))
    with pytest.raises(errors.ProviderGarbled, match="redirect"):
        await provider.complete(ask())
    assert len(fake.requests) == 1


async def test_what_is_no_http_is_garbled(transport, settings):
    async def greet(reader, writer):
        await reader.readline()
        writer.write(b"SSH-2.0-OpenSSH_9.9\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        provider = build_provider("openai", url, KEY, transport, settings, allow_private=True)
        with pytest.raises(errors.ProviderGarbled, match="not valid HTTP"):
            await provider.complete(ask())


async def test_a_server_that_lingers_after_done_is_not_waited_for(openai_fake, build):
    async def linger(fake, exchange, body):
        await exchange.start()
        await exchange.write(b"".join(fake.frames(Said(), body)))
        await exchange.until_gone()

    openai_fake.will(linger)
    assert (await streamed(build(openai_fake), ask())).text == "Hello, wörld 🌍"
    await until(lambda: openai_fake.open_connections == 0)


async def test_an_event_without_end_is_garbled(fake, provider):
    fake.will(raw_stream(*[b"x" * 1024 * 1024] * 5))
    with pytest.raises(errors.ProviderGarbled, match="too large"):
        await streamed(provider, ask())


async def test_closing_the_stream_closes_the_connection_at_once(fake, provider):
    fake.will(silence(BEFORE[fake.kind] + 1))
    async with aclosing(provider.stream(ask())) as stream:
        async for event in stream:
            if isinstance(event, TextDelta):
                break
        assert fake.in_flight == 1
    await until(lambda: fake.in_flight == 0 and fake.open_connections == 0)


async def test_cancelling_a_waiting_call_closes_the_connection_at_once(fake, provider):
    for call in (provider.complete, lambda request: streamed(provider, request)):
        fake.will(silence(None))
        task = asyncio.create_task(call(ask()))
        await until(lambda: fake.in_flight == 1)
        task.cancel()
        await until(lambda: fake.in_flight == 0 and fake.open_connections == 0)
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_a_finished_stream_gives_its_connection_back(fake, provider):
    for _ in range(3):
        await streamed(provider, ask())
        await provider.complete(ask())
    assert fake.open_connections == 1
