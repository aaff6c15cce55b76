"""Signatures of webhooks: those of the standard's own example, and what must not pass."""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest

from app.automation.triggers import signatures
from app.automation.triggers.errors import HookSignatureInvalid, HookTooOld

# From the specification of Standard Webhooks.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE, STAMP, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
AT = datetime.fromtimestamp(STAMP, UTC)


def headers(**changed):
    told = {"webhook-id": MESSAGE, "webhook-timestamp": str(STAMP), "webhook-signature": SIGNATURE}
    return told | {name.replace("_", "-"): value for name, value in changed.items()}


def check(given, body=BODY, keys=(SECRET,), at=AT):
    return signatures.check_standard(given, body, keys, at, 300)


def test_the_example_of_the_standard_passes_and_names_its_message():
    assert check(headers()) == MESSAGE


def test_one_of_several_signatures_and_of_several_secrets_is_enough():
    several = headers(webhook_signature=f"v1a,AAAA v1,b3RoZXI= {SIGNATURE}")
    assert check(several, keys=(signatures.make_secret(), SECRET)) == MESSAGE


@pytest.mark.parametrize(
    ("changed", "body", "keys"),
    [
        ({}, b'{"test": 2432232315}', (SECRET,)),
        ({"webhook_id": "msg_other"}, BODY, (SECRET,)),
        ({"webhook_timestamp": str(STAMP + 1)}, BODY, (SECRET,)),
        ({"webhook_timestamp": "soon"}, BODY, (SECRET,)),
        ({"webhook_timestamp": "²"}, BODY, (SECRET,)),
        ({"webhook_id": ""}, BODY, (SECRET,)),
        ({"webhook_signature": ""}, BODY, (SECRET,)),
        ({"webhook_signature": "v1,é"}, BODY, (SECRET,)),
        ({"webhook_signature": SIGNATURE.removeprefix("v1,")}, BODY, (SECRET,)),
        ({}, BODY, (signatures.make_secret(),)),
        ({}, BODY, ("a secret of another way of signing",)),
        ({}, BODY, ()),
    ],
)
def test_anything_else_does_not(changed, body, keys):
    with pytest.raises(HookSignatureInvalid):
        check(headers(**changed), body, keys)


@pytest.mark.parametrize("seconds", [301, -301])
def test_a_message_of_another_time_does_not(seconds):
    with pytest.raises(HookTooOld):
        check(headers(), at=AT + timedelta(seconds=seconds))


def test_an_hmac_in_a_header_passes_by_its_prefix_and_key():
    signed = "sha256=" + hmac.digest(b"key", BODY, hashlib.sha256).hex()
    how = ("X-Hub-Signature-256", "sha256=")
    given = {"x-hub-signature-256": signed}
    first = signatures.check_hmac(given, BODY, ["other", "key"], *how)
    assert first == signatures.check_hmac(given, BODY, ["key"], *how)
    for wrong, keys in (({}, ["key"]), (given, ["other"]), (given, [])):
        with pytest.raises(HookSignatureInvalid):
            signatures.check_hmac(wrong, BODY, keys, *how)
    with pytest.raises(HookSignatureInvalid):
        signatures.check_hmac(given, BODY + b" ", ["key"], *how)
