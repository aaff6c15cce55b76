"""Lock-out by account and by address, and that it tells nobody anything."""

import asyncio

import pytest
from redis.exceptions import ConnectionError as ValkeyConnectionError

from app.core.ids import new_id
from app.core.kernel import connect_valkey
from app.identity.users import lockouts as module
from app.identity.users import passwords
from app.identity.users.lockouts import Lockouts, Verdict
from tests.support.identity import PASSWORD, register, sign_in
from tests.support.mail import Inbox

FREE, REFUSED = Verdict(refused=False, locks=False), Verdict(refused=True, locks=False)
LOCKS = Verdict(refused=False, locks=True)


@pytest.fixture
def lockouts(kernel):
    """Three wrong passwords lock an account, six an address."""
    changed = {"sign_in_free_attempts": 3, "sign_in_free_attempts_per_address": 6}
    return Lockouts(kernel.valkey, kernel.settings.model_copy(update=changed))


@pytest.fixture
def strict(kernel, monkeypatch):
    """The service, with three free attempts."""
    changed = kernel.settings.model_copy(update={"sign_in_free_attempts": 3})
    monkeypatch.setattr(kernel, "settings", changed)


def someone():
    return f"{new_id().hex}@example.com"


def somewhere():
    number = new_id().int
    return f"10.{number % 256}.{number // 256 % 256}.{number // 65536 % 256}"


async def tries(lockouts, number, email, address):
    return [await lockouts.take(email, address) for _ in range(number)]


async def test_an_account_is_locked_after_its_free_attempts_and_from_everywhere(lockouts):
    email = someone()
    assert await tries(lockouts, 4, email, somewhere()) == [FREE, FREE, LOCKS, REFUSED]
    assert await lockouts.take(email.upper(), somewhere()) == REFUSED
    assert await lockouts.take(someone(), somewhere()) == FREE


async def test_an_address_is_locked_for_every_account_and_locks_no_further_one(lockouts):
    address, victim = somewhere(), someone()
    for _ in range(6):
        assert not (await lockouts.take(someone(), address)).refused
    for _ in range(5):
        assert await lockouts.take(victim, address) == REFUSED
    assert await lockouts.take(victim, somewhere()) == FREE


async def test_a_network_of_ipv6_is_one_address(lockouts):
    network = f"2001:db8:{new_id().int % 65536:x}:{new_id().int // 7 % 65536:x}"
    for number in range(6):
        await lockouts.take(someone(), f"{network}::{number}")
    assert await lockouts.take(someone(), f"{network}::ffff") == REFUSED


async def test_the_right_password_forgives(lockouts):
    email, address = someone(), somewhere()
    for _ in range(10):
        await tries(lockouts, 2, email, address)
        await lockouts.forgive(email, address)
        await lockouts.forgive(email, address)
    assert await lockouts.take(email, address) == FREE


async def test_guesses_at_once_are_counted_one_by_one(lockouts):
    email = someone()
    verdicts = await asyncio.gather(*(lockouts.take(email, somewhere()) for _ in range(30)))
    assert sum(not v.refused for v in verdicts) == 3


async def test_the_delays_grow_up_to_a_bound(lockouts, kernel, monkeypatch):
    email = someone()
    await tries(lockouts, 3, email, somewhere())
    locks = []
    for _ in range(8):
        locks.append(round(await left(kernel, email)))
        await kernel.valkey.hset(module._account(email), "until", 0)
        assert await lockouts.take(email, somewhere()) == FREE
    assert locks == sorted(locks)
    assert locks[0] == pytest.approx(30, abs=2)
    assert locks[1] == pytest.approx(60, abs=2)
    assert locks[-1] == pytest.approx(900, abs=2)


async def left(kernel, email):
    """Seconds until an account is open again."""
    seconds, micros = await kernel.valkey.time()
    until = float(await kernel.valkey.hget(module._account(email), "until"))
    return until / 1000 - seconds - micros / 1e6


async def test_an_attempt_on_a_locked_account_makes_its_lock_no_longer(lockouts, kernel):
    email = someone()
    await tries(lockouts, 3, email, somewhere())
    before = await kernel.valkey.hget(module._account(email), "until")
    await tries(lockouts, 3, email, somewhere())
    assert await kernel.valkey.hget(module._account(email), "until") == before


async def test_neither_addresses_nor_accounts_stand_in_the_keys(lockouts, kernel):
    email = someone()
    await lockouts.take(email, somewhere())
    keys = [key async for key in kernel.valkey.scan_iter("sign_in:account:*")]
    assert keys
    assert email.encode() not in b"".join(keys)
    assert all([await kernel.valkey.pttl(key) > 0 for key in keys])


async def attempt(client, email, password=None):
    password = password or "not the password"
    answer = await client.post("/v1/auth/login", json={"email": email, "password": password})
    body = {k: v for k, v in answer.json().items() if k != "request_id"}
    differing = ("date", "x-request-id", "ratelimit", "content-length")
    headers = {k: v for k, v in answer.headers.items() if k not in differing}
    return answer.status_code, body, headers


async def test_unknown_wrong_and_locked_are_one_answer_with_one_hash_each(
    client, kernel, strict, monkeypatch
):
    user = await register(client)
    checks = []
    verify = passwords.context.verify

    def counted(*given):
        checks.append(1)
        return verify(*given)

    monkeypatch.setattr(passwords.context, "verify", counted)
    work, answers = [], []
    unknown = someone()
    for email, password in [(unknown, "not it"), (user["email"], "not it")] * 4 + [
        (user["email"], PASSWORD)  # locked by now, however right it is
    ]:
        before = len(checks)
        answers.append(await attempt(client, email, password))
        work.append(len(checks) - before)
    assert set(work) == {1}
    assert all(answer == answers[0] for answer in answers)
    assert answers[0][0] == 401
    assert answers[0][1]["code"] == "credentials_refused"


async def test_a_locked_account_opens_again_and_its_owner_is_told_once(
    client, kernel, strict, settings
):
    user = await register(client)
    for _ in range(6):
        await attempt(client, user["email"])
    assert (await attempt(client, user["email"], PASSWORD))[0] == 401
    inbox = Inbox(settings.data_dir, user["email"])
    await inbox.letter("locked for a while")
    await kernel.valkey.hset(module._account(user["email"]), "until", 0)
    await sign_in(client, user["email"])
    assert len([m for m in inbox.letters() if "locked" in m["Subject"]]) == 1


async def test_a_new_password_by_mail_unlocks(client, strict, settings):
    user = await register(client)
    for _ in range(4):
        await attempt(client, user["email"])
    await client.post("/v1/auth/forgot-password", json={"email": user["email"]})
    token = await Inbox(settings.data_dir, user["email"]).token("Set a new password")
    done = await client.post(
        "/v1/auth/reset-password", json={"token": token, "new_password": "quite other words"}
    )
    assert done.status_code == 204
    for _ in range(100):
        if (await attempt(client, user["email"], "quite other words"))[0] == 200:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("still locked")


async def test_a_wrong_current_password_counts_too(client, kernel, strict):
    user = await register(client)
    headers = {"Authorization": f"Bearer {(await sign_in(client, user['email']))['access_token']}"}
    body = {"current_password": "not it", "new_password": "quite other words"}
    codes = [
        (await client.post("/v1/me/password", json=body, headers=headers)).json()["code"]
        for _ in range(4)
    ]
    right = {"current_password": PASSWORD, "new_password": "quite other words"}
    last = await client.post("/v1/me/password", json=right, headers=headers)
    assert {*codes, last.json()["code"]} == {"wrong_current_password"}


async def test_without_valkey_nobody_guesses(kernel):
    away = connect_valkey("redis://127.0.0.1:1/0")
    with pytest.raises(ValkeyConnectionError):
        await Lockouts(away, kernel.settings).take(someone(), somewhere())
    await away.aclose()
