"""The vault: what it seals opens again, and only where and with what it was sealed."""

import base64
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.crypto import InvalidMasterKey, UnreadableSecret, Vault, open_vault

KEY = bytes(range(32))
TEXT = st.text(st.characters(exclude_categories=["Cs"]))


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


def test_no_byte_of_a_sealed_value_can_be_changed_or_left_out():
    vault = Vault(KEY)
    sealed = vault.seal("sk-secret", context="row")
    for place in range(len(sealed)):
        changed = sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]
        for bad in (changed, sealed[:place], sealed[:place] + sealed[place + 1 :]):
            with pytest.raises(UnreadableSecret):
                vault.open(bad, context="row")


def test_another_master_key_opens_nothing():
    sealed = Vault(KEY).seal("sk-secret", context="row")
    with pytest.raises(UnreadableSecret, match="master key"):
        Vault(KEY[::-1]).open(sealed, context="row")


def test_a_sealed_value_shows_neither_the_secret_nor_that_it_is_the_same_one():
    vault = Vault(KEY)
    first, second = (vault.seal("sk-secret" * 20, context="row") for _ in range(2))
    assert b"sk-secret" not in first
    assert len({first[n : n + 12] for n in range(len(first))} & {second[1:13]}) == 0
    assert first != second


def test_derived_keys_and_fingerprints_differ_by_purpose_and_secret():
    vault = Vault(KEY)
    keys = {vault.derived_key(purpose) for purpose in ("cursors", "seal", "fingerprint", "")}
    assert len(keys) == 4
    assert KEY not in keys
    assert vault.fingerprint("a") == Vault(KEY).fingerprint("a") != vault.fingerprint("b")
    assert vault.fingerprint("a") != Vault(KEY[::-1]).fingerprint("a")
    assert len(vault.fingerprint("a")) == 16


@pytest.mark.parametrize(
    "key", ["short", "not base64 at all!", base64.b64encode(b"x" * 31).decode()]
)
def test_a_master_key_that_is_none_is_refused(tmp_path, key):
    with pytest.raises(InvalidMasterKey):
        open_vault(key, tmp_path)
    assert not (tmp_path / "master.key").exists()


def test_a_configured_key_is_used_and_none_is_kept(tmp_path):
    vault = open_vault(base64.b64encode(KEY).decode(), tmp_path)
    assert vault.derived_key("x") == Vault(KEY).derived_key("x")
    assert list(tmp_path.iterdir()) == []


def test_a_key_of_its_own_is_kept_for_its_owner_alone(tmp_path):
    folder = tmp_path / "new" / "data"
    first = open_vault(None, folder)
    assert open_vault(None, folder).derived_key("x") == first.derived_key("x")
    assert [path.name for path in folder.iterdir()] == ["master.key"]
    assert stat.S_IMODE((folder / "master.key").stat().st_mode) == 0o600


def test_processes_that_start_at_once_share_one_key(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        vaults = list(pool.map(lambda _: open_vault(None, tmp_path), range(16)))
    assert len({vault.derived_key("x") for vault in vaults}) == 1


def test_a_spoilt_key_file_is_named_and_left_alone(tmp_path):
    path = tmp_path / "master.key"
    path.write_text("half a ke")
    with pytest.raises(InvalidMasterKey):
        open_vault(None, tmp_path)
    assert path.read_text() == "half a ke"
