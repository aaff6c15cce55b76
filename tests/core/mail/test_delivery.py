"""Delivery of queued mail, by a real SMTP server and into the development mailbox."""

import asyncio
from datetime import timedelta

import pytest
import pytest_asyncio
import structlog
from pydantic import SecretStr
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError

from app.core import mail
from app.core.clock import now
from app.core.db import NOBODY, SYSTEM
from app.core.ids import new_id
from app.core.kernel import open_kernel
from app.core.mail import carriers
from app.core.mail.delivery import DELAYS, Delivery
from app.core.mail.models import OutgoingMail
from tests.conftest import migrated_database
from tests.support.mail import Inbox, certificate, smtp_server

BODY = "Use this token:\n\nsecret-token-in-a-mail-0123456789\n"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def kernel(stores, settings, worker_number, tmp_path_factory):
    """A kernel of its own, whose mail no running service delivers."""
    url = migrated_database(stores[0], f"mail_{worker_number}")
    own = {"database_url": SecretStr(url), "data_dir": tmp_path_factory.mktemp("mail")}
    async with open_kernel(settings.model_copy(update=own)) as opened:
        yield opened


@pytest.fixture
def address():
    return f"{new_id().hex}@example.com"


async def queued(kernel, address, **more):
    async with kernel.database.unit(NOBODY) as session:
        await mail.queue(session, to=address, subject="A subject", text=BODY, **more)


async def row_of(kernel, address):
    async with kernel.database.unit(SYSTEM) as session:
        return await session.scalar(select(OutgoingMail).where(OutgoingMail.to_address == address))


async def hold(kernel, address):
    """Put a mail back as if it had just been queued, with its body sealed anew."""
    async with kernel.database.unit(SYSTEM) as session:
        await session.execute(
            update(OutgoingMail)
            .where(OutgoingMail.to_address == address)
            .values(due_at=now() - timedelta(seconds=1), status="queued")
        )


def delivery(kernel, tmp_path, url=None):
    settings = kernel.settings.model_copy(
        update={
            "data_dir": tmp_path,
            "smtp_url": SecretStr(url) if url else None,
            "mail_from": "Luminous <hello@example.org>",
        }
    )
    return Delivery(kernel.database, kernel.vault, settings)


async def test_the_mailbox_holds_a_private_file(kernel, tmp_path, address):
    await queued(kernel, address)
    await delivery(kernel, tmp_path).run()
    letter = await Inbox(tmp_path, address).letter("A subject")
    assert letter.get_content().replace("\r\n", "\n") == BODY
    assert letter["From"] == "Luminous <hello@example.org>"
    assert letter["Auto-Submitted"] == "auto-generated"
    (path,) = [p for p in (tmp_path / "mailbox").iterdir() if address in p.read_text()]
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


async def test_the_log_names_the_file_and_not_what_it_holds(kernel, tmp_path, address, monkeypatch):
    told = structlog.testing.CapturingLogger()
    writing = structlog.wrap_logger(told, processors=[structlog.processors.JSONRenderer()])
    monkeypatch.setattr(carriers, "log", writing)
    await queued(kernel, address)
    await delivery(kernel, tmp_path).run()
    lines = "".join(str(call) for call in told.calls)
    assert "A subject" in lines
    assert ".eml" in lines
    assert "secret-token-in-a-mail" not in lines


async def test_a_body_is_sealed_at_rest_and_gone_once_it_is_sent(kernel, tmp_path, address):
    await queued(kernel, address)
    before = await row_of(kernel, address)
    assert before.status == "queued"
    assert b"secret-token" not in before.sealed_body
    await delivery(kernel, tmp_path).run()
    after = await row_of(kernel, address)
    assert (after.status, after.sealed_body) == ("sent", None)
    assert after.sent_at is not None


async def queue_and_fail(kernel, address):
    async with kernel.database.unit(NOBODY) as session:
        await mail.queue(session, to=address, subject="A subject", text=BODY)
        await session.execute(text("select 1 / 0"))


async def test_what_is_rolled_back_is_not_sent(kernel, address):
    with pytest.raises(DBAPIError):
        await queue_and_fail(kernel, address)
    async with kernel.database.unit(NOBODY, dry_run=True) as session:
        await mail.queue(session, to=address, subject="A subject", text=BODY)
    assert await row_of(kernel, address) is None


async def test_a_tenant_sees_no_mail(kernel, address):
    await queued(kernel, address)
    async with kernel.database.unit(NOBODY) as session:
        assert (await session.scalars(select(OutgoingMail))).all() == []


async def test_a_decoy_is_never_sent(kernel, tmp_path, address):
    await queued(kernel, address, deliver=False)
    assert (await row_of(kernel, address)).status == "void"
    await delivery(kernel, tmp_path).run()
    assert await row_of(kernel, address) is None
    assert Inbox(tmp_path, address).letters() == []


async def test_an_smtp_server_gets_it_with_the_login(kernel, tmp_path, address):
    async with smtp_server() as postbox:
        await queued(kernel, address)
        url = f"smtp://us%40er:pass%2Fword@127.0.0.1:{postbox.port}"
        await delivery(kernel, tmp_path, url).run()
    (letter,) = [each for each in postbox.taken if each["To"] == address]
    assert letter.get_content().replace("\r\n", "\n") == BODY
    assert postbox.logins == [(b"us@er", b"pass/word")]


@pytest.mark.parametrize("scheme", ["smtps", "smtp+starttls"])
async def test_it_is_encrypted_on_the_way(kernel, tmp_path, address, monkeypatch, scheme):
    shown, context = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(shown))
    how = {"tls": context} if scheme == "smtps" else {"start_tls": context}
    async with smtp_server(**how) as postbox:
        await queued(kernel, address)
        await delivery(kernel, tmp_path, f"{scheme}://localhost:{postbox.port}").run()
    assert address in {each["To"] for each in postbox.taken}
    assert set(postbox.encrypted) == {True}


async def test_a_certificate_that_nobody_vouches_for_gets_no_mail(kernel, tmp_path, address):
    _, context = certificate(tmp_path)
    async with smtp_server(tls=context) as postbox:
        await queued(kernel, address)
        await delivery(kernel, tmp_path, f"smtps://localhost:{postbox.port}").run()
    assert postbox.taken == []
    row = await row_of(kernel, address)
    assert (row.status, row.attempts) == ("queued", 1)
    assert "certificate" in row.last_error.lower()


async def test_a_refused_recipient_is_given_up_and_the_others_get_theirs(kernel, tmp_path, address):
    other = f"{new_id().hex}@example.com"
    async with smtp_server() as postbox:
        postbox.refusals[address] = "550 no such mailbox"
        await queued(kernel, address)
        await queued(kernel, other)
        await delivery(kernel, tmp_path, f"smtp://127.0.0.1:{postbox.port}").run()
    row = await row_of(kernel, address)
    assert (row.status, row.sealed_body) == ("failed", None)
    assert "550" in row.last_error
    assert other in {each["To"] for each in postbox.taken}


async def test_a_busy_server_is_asked_again_with_growing_delays(kernel, tmp_path, address):
    async with smtp_server() as postbox:
        postbox.refusals[address] = "451 try again later"
        work = delivery(kernel, tmp_path, f"smtp://127.0.0.1:{postbox.port}")
        await queued(kernel, address)
        waits = []
        for _ in DELAYS:
            began = now()
            await work.run()
            row = await row_of(kernel, address)
            assert row.status == "queued"
            waits.append((row.due_at - began).total_seconds())
            await hold(kernel, address)
        assert waits == sorted(waits)
        assert waits[0] == pytest.approx(60, abs=5)
        del postbox.refusals[address]
        await work.run()
    assert [each["To"] for each in postbox.taken].count(address) == 1
    assert (await row_of(kernel, address)).status == "sent"


async def test_a_server_that_never_takes_it_is_asked_for_a_bounded_time(kernel, tmp_path, address):
    work = delivery(kernel, tmp_path, "smtp://127.0.0.1:1")
    await queued(kernel, address)
    for _ in range(len(DELAYS) + 1):
        await work.run()
        await hold_if_queued(kernel, address)
    row = await row_of(kernel, address)
    assert (row.status, row.sealed_body) == ("failed", None)


async def hold_if_queued(kernel, address):
    if (await row_of(kernel, address)).status == "queued":
        await hold(kernel, address)


async def test_two_processes_send_a_mail_once(kernel, tmp_path, address):
    async with smtp_server() as postbox:
        await queued(kernel, address)
        url = f"smtp://127.0.0.1:{postbox.port}"
        await asyncio.gather(*(delivery(kernel, tmp_path, url).run() for _ in range(4)))
    assert [each["To"] for each in postbox.taken].count(address) == 1


@pytest.mark.parametrize("to", ["no address", "two@example.com\r\nBcc: x@example.com", ""])
async def test_what_is_no_address_is_given_up(kernel, tmp_path, to):
    marked = f"{to}{new_id().hex}" if to == "no address" else to
    await queued(kernel, marked)
    await delivery(kernel, tmp_path).run()
    assert (await row_of(kernel, marked)).status == "failed"


async def test_an_address_in_other_letters_is_written_to(kernel, tmp_path):
    marked = f"jürgen{new_id().hex}@bücher.example"
    async with smtp_server() as postbox:
        await queued(kernel, marked)
        await delivery(kernel, tmp_path, f"smtp://127.0.0.1:{postbox.port}").run()
    assert (await row_of(kernel, marked)).status == "sent"


@pytest.mark.parametrize(
    "wrong", [{"subject": "two\nlines"}, {"subject": "s" * 201}, {"text": "t" * 20_001}]
)
async def test_what_no_letter_is_is_refused_at_once(kernel, wrong):
    good = {"to": "ada@example.com", "subject": "A subject", "text": BODY}
    async with kernel.database.unit(NOBODY, dry_run=True) as session:
        with pytest.raises(ValueError, match="characters"):
            await mail.queue(session, **{**good, **wrong})
