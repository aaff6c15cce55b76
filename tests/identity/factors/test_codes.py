"""Codes of authenticator apps against the vectors of RFC 6238, and recovery codes."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from app.identity.factors import recovery, totp

SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
# Appendix B, the last six of its eight digits.
VECTORS = [
    (59, "287082"),
    (1111111109, "081804"),
    (1111111111, "050471"),
    (1234567890, "005924"),
    (2000000000, "279037"),
    (20000000000, "353130"),
]


def at(seconds):
    return datetime.fromtimestamp(seconds, UTC)


@pytest.mark.parametrize(("seconds", "code"), VECTORS)
def test_the_codes_are_those_of_the_standard(seconds, code):
    step = seconds // 30
    assert totp.step_of(SECRET, code, at(seconds)) == step
    if step > 1:
        assert totp.step_of(SECRET, code, at((step - 1) * 30)) == step
    assert totp.step_of(SECRET, code, at((step + 1) * 30 + 29)) == step
    assert totp.step_of(SECRET, code, at((step + 2) * 30)) is None


def test_a_code_is_not_taken_two_steps_before_its_time():
    seconds, code = VECTORS[3]
    assert totp.step_of(SECRET, code, at((seconds // 30 - 2) * 30)) is None


def test_secrets_are_160_bits_and_differ():
    made = {totp.new_secret() for _ in range(20)}
    assert len(made) == 20
    assert {len(secret) for secret in made} == {32}


def test_recovery_codes_are_read_as_people_write_them():
    user = uuid4()
    code = "01ab-cdef-ghjk-mn00"
    for typed in ("01AB CDEF GHJK MN00", "oiab-cdef-ghjk-mnoo", "olabcdefghjkmn00"):
        assert recovery.hash_of(user, typed) == recovery.hash_of(user, code)
    assert recovery.hash_of(uuid4(), code) != recovery.hash_of(user, code)
    assert recovery.hash_of(user, "01ab-cdef-ghjk-mn01") != recovery.hash_of(user, code)


def test_ten_recovery_codes_of_eighty_bits():
    made = recovery.make()
    assert len(set(made)) == 10
    assert all(len(code) == 19 and code.count("-") == 3 for code in made)
    assert all(set(code) <= set("0123456789abcdefghjkmnpqrstvwxyz-") for code in made)
