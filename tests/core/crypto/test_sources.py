"""Where master keys come from: the environment, a file that is followed, or both wrapped."""

import base64
import secrets
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest
from pydantic import SecretStr

from app.core.config import Settings
from app.core.crypto import InvalidMasterKey, MasterKey, UnreadableSecret, Vault, open_vault
from app.core.crypto import keys as module

KEY = bytes(range(32))


def written(key: bytes) -> str:
    return base64.b64encode(key).decode()


def settings_of(folder, **given):
    return Settings(_env_file=None, data_dir=folder, **given)


def with_key(folder, *entries):
    active, *retired = [SecretStr(entry) for entry in entries]
    former = SecretStr(",".join(entry.get_secret_value() for entry in retired))
    return settings_of(folder, master_key=active, retired_master_keys=former)


@pytest.fixture
def followed_at_once(monkeypatch):
    monkeypatch.setattr(module, "LOOK_SECONDS", 0)


@pytest.mark.parametrize(
    "key", ["short", "not base64 at all!", base64.b64encode(b"x" * 31).decode()]
)
def test_a_master_key_that_is_none_is_refused_by_its_name(tmp_path, key):
    with pytest.raises(InvalidMasterKey, match="LUMINOUS_MASTER_KEY"):
        open_vault(with_key(tmp_path, key))
    with pytest.raises(InvalidMasterKey, match="LUMINOUS_RETIRED_MASTER_KEYS"):
        open_vault(with_key(tmp_path, written(KEY), key))
    assert not (tmp_path / "master.key").exists()


def test_a_configured_key_is_used_and_none_is_kept(tmp_path):
    vault = open_vault(with_key(tmp_path, written(KEY)))
    assert vault.open(Vault(KEY).seal("x", context=""), context="") == "x"
    assert list(tmp_path.iterdir()) == []


def test_retired_keys_of_the_environment_open_and_do_not_seal(tmp_path):
    former, newest = secrets.token_bytes(32), secrets.token_bytes(32)
    vault = open_vault(with_key(tmp_path, written(newest), written(former), written(KEY)))
    for key in (former, newest, KEY):
        assert vault.open(Vault(key).seal("x", context=""), context="") == "x"
    assert Vault(newest).open(vault.seal("x", context=""), context="") == "x"


def test_a_key_of_its_own_is_kept_for_its_owner_alone(tmp_path):
    folder = tmp_path / "new" / "data"
    sealed = open_vault(settings_of(folder)).seal("x", context="")
    assert open_vault(settings_of(folder)).open(sealed, context="") == "x"
    assert [path.name for path in folder.iterdir()] == ["master.key"]
    assert stat.S_IMODE((folder / "master.key").stat().st_mode) == 0o600


def test_the_key_file_of_the_first_version_is_taken_as_it_is(tmp_path):
    (tmp_path / "master.key").write_bytes(base64.b64encode(KEY))
    vault = open_vault(settings_of(tmp_path))
    assert [key.id for key in vault.keys.all] == [MasterKey(KEY).id]


def test_processes_that_start_at_once_share_one_key(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        vaults = list(pool.map(lambda _: open_vault(settings_of(tmp_path)), range(16)))
    assert len({vault.keys.active.id for vault in vaults}) == 1


@pytest.mark.parametrize("content", [b"half a ke", b"", b"\n# nothing\n", b"\xff\xfe"])
def test_a_spoilt_key_file_is_named_and_left_alone(tmp_path, content):
    path = tmp_path / "master.key"
    path.write_bytes(content)
    with pytest.raises(InvalidMasterKey, match=r"master\.key"):
        open_vault(settings_of(tmp_path))
    assert path.read_bytes() == content


def test_a_key_file_that_is_named_must_be_there(tmp_path):
    with pytest.raises(InvalidMasterKey, match="no file"):
        open_vault(settings_of(tmp_path, master_key_file=tmp_path / "keys"))
    assert list(tmp_path.iterdir()) == []


def test_a_named_key_file_holds_several_keys_and_remarks(tmp_path):
    path = tmp_path / "keys"
    newest = secrets.token_bytes(32)
    path.write_text(f"# since May\n{written(newest)}\n\n  {written(KEY)}\n")
    vault = open_vault(settings_of(tmp_path / "data", master_key_file=path))
    assert [key.id for key in vault.keys.all] == [MasterKey(newest).id, MasterKey(KEY).id]


def test_a_key_that_another_process_made_opens_at_once_and_seals_soon(tmp_path):
    here, there = open_vault(settings_of(tmp_path)), open_vault(settings_of(tmp_path))
    there.keys.source.add(MasterKey.made())
    assert there.keys.refresh()
    sealed = there.seal("x", context="")
    assert here.open(sealed, context="") == "x"
    assert here.keys.active.id == there.keys.active.id


def test_an_active_key_is_followed_without_meeting_a_value_of_it(tmp_path, followed_at_once):
    here, there = open_vault(settings_of(tmp_path)), open_vault(settings_of(tmp_path))
    there.keys.source.add(MasterKey.made())
    assert here.seal("x", context="")[1:9] == there.keys.active.id


def test_a_retired_key_that_is_removed_opens_nothing_more(tmp_path, followed_at_once):
    vault = open_vault(settings_of(tmp_path))
    sealed, former = vault.seal("x", context=""), vault.keys.active
    vault.keys.source.add(MasterKey.made())
    assert vault.open(sealed, context="") == "x"
    vault.keys.source.remove(former.id)
    with pytest.raises(UnreadableSecret):
        vault.open(sealed, context="")
    assert stat.S_IMODE((tmp_path / "master.key").stat().st_mode) == 0o600


def test_the_active_key_cannot_be_removed(tmp_path):
    vault = open_vault(settings_of(tmp_path))
    vault.keys.source.remove(vault.keys.active.id)
    assert open_vault(settings_of(tmp_path)).keys.active == vault.keys.active


@pytest.mark.parametrize("harm", ["emptied", "removed", "garbled"])
def test_a_key_file_that_is_spoilt_later_leaves_the_keys_as_they_were(
    tmp_path, followed_at_once, harm
):
    vault = open_vault(settings_of(tmp_path))
    sealed = vault.seal("x", context="")
    path = tmp_path / "master.key"
    if harm == "removed":
        path.unlink()
    else:
        path.write_bytes(b"" if harm == "emptied" else b"\x00\xff")
    assert vault.open(sealed, context="") == "x"
    assert vault.seal("y", context="")[:9] == sealed[:9]


def test_rotations_at_the_same_moment_lose_no_key(tmp_path):
    vault = open_vault(settings_of(tmp_path))
    made = [MasterKey.made() for _ in range(12)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(vault.keys.source.add, made))
    vault.keys.refresh()
    assert {key.id for key in vault.keys.all} >= {key.id for key in made}
    assert {path.name for path in tmp_path.iterdir()} == {"master.key", "master.key.lock"}
