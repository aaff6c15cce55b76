"""The vault: what it seals opens again, and only where and with what it was sealed."""

import base64
import hashlib
import hmac
import secrets

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from app.core.crypto import FixedKeys, KeyRing, MasterKey, UnreadableSecret, Vault

KEY = bytes(range(32))
OTHER = KEY[::-1]
TEXT = st.text(st.characters(exclude_categories=["Cs"]))


def ring_of(*keys):
    return KeyRing(FixedKeys([MasterKey(key) for key in keys]))


def sealed_without_id(key, plaintext, context):
    """A value as the first version of Luminous sealed it, written down here on its own."""
    master = AESGCM(hmac.new(key, b"luminous:seal", hashlib.sha256).digest())
    data_key, first, second = (secrets.token_bytes(n) for n in (32, 12, 12))
    wrapped = first + master.encrypt(first, data_key, context.encode())
    return (
        b"\x01"
        + wrapped
        + second
        + AESGCM(data_key).encrypt(second, plaintext.encode(), context.encode())
    )


@given(TEXT, TEXT)
def test_what_is_sealed_opens_with_its_context(secret, context):
    vault = Vault(KEY)
    sealed = vault.seal(secret, context=context)
    assert vault.open(sealed, context=context) == secret
    assert Vault(KEY).open(sealed, context=context) == secret


@given(TEXT, TEXT)
def test_a_sealed_value_that_is_moved_does_not_open(here, there):
    vault = Vault(KEY)
    sealed = vault.seal("sk-secret", context=here)
    if here != there:
        with pytest.raises(UnreadableSecret):
            vault.open(sealed, context=there)


@pytest.mark.parametrize("form", ["with its key's id", "without"])
def test_no_byte_of_a_sealed_value_can_be_changed_or_left_out(form):
    vault = Vault(ring_of(KEY, OTHER))
    sealed = (
        sealed_without_id(KEY, "sk-secret", "row")
        if form == "without"
        else vault.seal("sk-secret", context="row")
    )
    for place in range(len(sealed)):
        changed = sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]
        for bad in (changed, sealed[:place], sealed[:place] + sealed[place + 1 :]):
            with pytest.raises(UnreadableSecret):
                vault.open(bad, context="row")


def test_another_master_key_opens_nothing():
    for sealed in (
        Vault(KEY).seal("sk-secret", context="row"),
        sealed_without_id(KEY, "sk-secret", "row"),
    ):
        with pytest.raises(UnreadableSecret, match="master key"):
            Vault(OTHER).open(sealed, context="row")


def test_a_value_names_its_key_and_opens_with_it_once_that_is_retired():
    sealed = Vault(KEY).seal("sk-secret", context="row")
    assert sealed[:9] == b"\x02" + MasterKey(KEY).id
    after = Vault(ring_of(OTHER, KEY))
    assert after.open(sealed, context="row") == "sk-secret"
    assert after.seal("x", context="row")[:9] == b"\x02" + MasterKey(OTHER).id


@pytest.mark.parametrize("keys", [(KEY,), (KEY, OTHER), (OTHER, KEY)])
def test_a_value_from_before_key_ids_opens_with_whichever_key_sealed_it(keys):
    sealed = sealed_without_id(KEY, "sk-secret", "row")
    assert Vault(ring_of(*keys)).open(sealed, context="row") == "sk-secret"


def test_the_id_of_another_key_does_not_lead_to_it():
    vault = Vault(ring_of(KEY, OTHER))
    sealed = vault.seal("sk-secret", context="row")
    swapped = sealed[:1] + MasterKey(OTHER).id + sealed[9:]
    with pytest.raises(UnreadableSecret):
        vault.open(swapped, context="row")


def test_a_sealed_value_shows_neither_the_secret_nor_that_it_is_the_same_one():
    vault = Vault(KEY)
    first, second = (vault.seal("sk-secret" * 20, context="row")[9:] for _ in range(2))
    assert b"sk-secret" not in first
    assert len({first[n : n + 12] for n in range(len(first))} & {second[:12]}) == 0
    assert first != second


def test_derived_keys_and_fingerprints_differ_by_purpose_and_secret():
    vault = Vault(KEY)
    keys = {vault.derived_key(purpose) for purpose in ("cursors", "audit", "fingerprint", "")}
    assert len(keys) == 4
    assert KEY not in keys
    assert vault.fingerprint("a") == Vault(KEY).fingerprint("a") != vault.fingerprint("b")
    assert vault.fingerprint("a") != Vault(OTHER).fingerprint("a")
    assert len(vault.fingerprint("a")) == 16


def test_derived_keys_are_those_of_the_first_version_until_there_is_a_root():
    expected = hmac.new(KEY, b"luminous:cursors", hashlib.sha256).digest()
    assert Vault(KEY).derived_key("cursors") == expected
    rotated = Vault(ring_of(OTHER, KEY))
    assert rotated.derived_key("cursors") == expected
    rotated.root = secrets.token_bytes(32)
    assert rotated.derived_key("cursors") != expected


def test_no_key_shows_in_what_is_printed():
    shown = repr(MasterKey(KEY)) + repr(Vault(KEY)) + repr(ring_of(KEY))
    for form in (KEY.hex(), base64.b64encode(KEY).decode(), repr(KEY)[2:-1]):
        assert form not in shown
