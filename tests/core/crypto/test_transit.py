"""A KMS wraps the master keys: Transit's wire format, and what goes wrong on the way."""

import socket
from importlib.metadata import EntryPoint, EntryPoints

import pytest
from pydantic import SecretStr

from app.core.config import Settings
from app.core.crypto import InvalidMasterKey, KmsUnusable, MasterKey, open_vault, sources, transit
from app.core.crypto.keys import write_key
from app.core.crypto.sources import open_wrapper
from tests.support.fakes.transit import TOKEN, transit_server


@pytest.fixture
def kms():
    with transit_server() as server:
        yield server


def settings_of(folder, url, **given):
    given = {"kms_token": SecretStr(TOKEN)} | given
    return Settings(_env_file=None, data_dir=folder, kms_url=url, **given)


def test_a_key_file_holds_only_what_the_kms_wrapped(tmp_path, kms):
    vault = open_vault(settings_of(tmp_path, kms.url))
    entry = (tmp_path / "master.key").read_text()
    assert entry.startswith("kms:vault:v1:")
    sealed = vault.seal("x", context="")
    kms.rotate()
    again = open_vault(settings_of(tmp_path, kms.url))
    assert again.open(sealed, context="") == "x"
    again.keys.source.add(MasterKey.made())
    assert (tmp_path / "master.key").read_text().startswith("kms:vault:v2:")


def test_the_kms_is_asked_at_the_start_and_for_a_new_key_and_never_for_a_value(tmp_path, kms):
    open_vault(settings_of(tmp_path, kms.url))
    here, there = (open_vault(settings_of(tmp_path, kms.url)) for _ in range(2))
    before = len(kms.calls)
    for _ in range(50):
        assert here.open(here.seal("x", context=""), context="") == "x"
    assert len(kms.calls) == before
    there.keys.source.add(MasterKey.made())
    there.keys.refresh()
    assert here.open(there.seal("x", context=""), context="") == "x"
    assert [path for path, _ in kms.calls[before:]] == [
        "/v1/transit/encrypt/luminous", *["/v1/transit/decrypt/luminous"] * 2,
    ]  # fmt: skip
    assert all(headers["X-Vault-Request"] == "true" for _, headers in kms.calls)


def test_a_wrapped_key_can_stand_in_the_environment_beside_a_plain_one(tmp_path, kms):
    plain, settings = MasterKey.made(), settings_of(tmp_path, kms.url)
    wrapped = MasterKey.made()
    vault = open_vault(
        settings.model_copy(
            update={
                "master_key": SecretStr(write_key(wrapped, open_wrapper(settings))),
                "retired_master_keys": SecretStr(write_key(plain, None)),
            }
        )
    )
    assert [key.id for key in vault.keys.all] == [wrapped.id, plain.id]


def test_the_token_can_be_in_a_file(tmp_path, kms):
    (tmp_path / "token").write_text(TOKEN + "\n")
    given = {"kms_token": None, "kms_token_file": tmp_path / "token"}
    assert open_vault(settings_of(tmp_path, kms.url, **given)).keys.active


def test_a_wrapped_key_without_the_kms_is_told(tmp_path, kms):
    open_vault(settings_of(tmp_path, kms.url))
    with pytest.raises(InvalidMasterKey, match="LUMINOUS_KMS_URL"):
        open_vault(Settings(_env_file=None, data_dir=tmp_path))


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"kms_url": "ftp://kms.example"}, "no address of a KMS"),
        ({"kms_url": "aws-kms://key"}, "no address of a KMS"),
        ({"kms_url": "http://kms.example"}, "must be https"),
        ({"kms_url": "http://10.0.0.7:8200"}, "must be https"),
        ({"kms_url": "https://user:pw@kms.example"}, "scheme, host, port and path"),
        ({"kms_url": "https://kms.example:99999"}, "no address of a KMS"),
        ({"kms_key": "luminous"}, "mount/name"),
        ({"kms_key": "transit/../sys"}, "mount/name"),
        ({"kms_token": None}, "LUMINOUS_KMS_TOKEN"),
        ({"kms_token": SecretStr("two\nlines")}, "what no token holds"),
    ],
)
def test_settings_that_cannot_be_used_are_one_sentence(tmp_path, given, reason):
    given = {"kms_url": "https://kms.example", "kms_token": SecretStr(TOKEN)} | given
    with pytest.raises(KmsUnusable, match=reason) as refused:
        open_wrapper(Settings(_env_file=None, data_dir=tmp_path, **given))
    assert TOKEN not in str(refused.value)


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (lambda kms: setattr(kms, "sealed", True), r"503 \(Vault is sealed\)"),
        (lambda kms: kms.keys.clear(), r"400 \(encryption key not found\)"),
        (lambda kms: kms.keys.update(luminous=[b"k" * 32]), "message authentication failed"),
        (lambda kms: setattr(kms, "answer", (200, b"<html>")), "form that is not Transit's"),
        (lambda kms: setattr(kms, "answer", (200, b'{"data": 1}')), "form that is not Transit's"),
        (lambda kms: setattr(kms, "answer", (302, b"")), "status 302"),
        (lambda kms: setattr(kms, "answer", (200, b"x" * 100_000)), "more than an answer"),
        (lambda kms: setattr(kms, "answer", (200, b'{"data":{"plaintext":"*"}}')), "no key"),
        (lambda kms: setattr(kms, "answer", (200, b'{"data":{"plaintext":"YQ=="}}')), "32 bytes"),
    ],
)
def test_a_kms_that_does_not_unwrap_stops_the_start_with_its_reason(tmp_path, kms, harm, reason):
    open_vault(settings_of(tmp_path, kms.url))
    harm(kms)
    with pytest.raises(InvalidMasterKey, match=reason):
        open_vault(settings_of(tmp_path, kms.url))


def test_a_wrong_token_is_refused_and_not_repeated(tmp_path, kms):
    with pytest.raises(KmsUnusable, match="permission denied") as refused:
        open_vault(settings_of(tmp_path, kms.url, kms_token=SecretStr("hvs.another")))
    assert "hvs.another" not in str(refused.value)
    assert not (tmp_path / "master.key").exists()


def test_a_kms_that_is_not_there_or_silent_is_told_in_time(tmp_path, monkeypatch):
    monkeypatch.setattr(transit, "SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(KmsUnusable, match="did not answer"):
            open_vault(settings_of(tmp_path, url))
    with pytest.raises(KmsUnusable, match="Connection refused"):
        open_vault(settings_of(tmp_path, url))


class Doubling:
    """Another package's KMS, of no use but to this test."""

    def __init__(self, settings):
        self.key_id = settings.kms_url

    def wrap(self, key):
        return key.hex()

    def unwrap(self, wrapped):
        return bytes.fromhex(wrapped)


def test_another_package_can_bring_its_kms(tmp_path, monkeypatch):
    point = EntryPoint("other-kms", f"{__name__}:Doubling", sources.ENTRY_POINTS)
    monkeypatch.setattr(sources, "entry_points", lambda **by: EntryPoints([point]).select(**by))
    vault = open_vault(settings_of(tmp_path, "other-kms://here"))
    assert (tmp_path / "master.key").read_text().strip() == "kms:" + vault.keys.active.secret.hex()
