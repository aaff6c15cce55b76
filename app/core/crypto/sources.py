"""Where this installation's master keys are: the environment, a file, a KMS that wraps either."""

from importlib.metadata import entry_points

from app.core.config import Settings
from app.core.crypto import key_file
from app.core.crypto.errors import InvalidMasterKey
from app.core.crypto.keys import FileKeys, FixedKeys, KeyRing, MasterKey, read_key, write_key
from app.core.crypto.transit import open_transit
from app.core.crypto.vault import Vault
from app.core.crypto.wrapping import KeyWrapper

ENTRY_POINTS = "luminous.kms"


def open_vault(settings: Settings) -> Vault:
    """The vault of this installation; without a configured key, one is kept in the data folder.

    Raises InvalidMasterKey.
    """
    wrapper = open_wrapper(settings)
    if settings.master_key:
        return Vault(KeyRing(_from_environment(settings, wrapper)))
    path = settings.master_key_file or settings.data_dir / "master.key"
    if not path.exists():
        if settings.master_key_file:
            raise InvalidMasterKey(f"there is no file {path}; `luminous keys new` prints a key")
        key_file.create(path, write_key(MasterKey.made(), wrapper))
    return Vault(KeyRing(FileKeys(path, wrapper)))


def _from_environment(settings: Settings, wrapper: KeyWrapper | None) -> FixedKeys:
    keys = []
    for name in ("master_key", "retired_master_keys"):
        setting = getattr(settings, name)
        entries = setting.get_secret_value().split(",") if setting else []
        try:
            keys += [read_key(entry.strip(), wrapper) for entry in entries if entry.strip()]
        except InvalidMasterKey as error:
            raise type(error)(f"LUMINOUS_{name.upper()} cannot be used: {error}") from None
    return FixedKeys(keys)


def open_wrapper(settings: Settings) -> KeyWrapper | None:
    """The configured KMS, or None; raises KmsUnusable for an address that none understands."""
    scheme = settings.kms_url.partition("://")[0]
    found = list(entry_points(group=ENTRY_POINTS, name=scheme)) if scheme else []
    if found:
        wrapper: KeyWrapper = found[0].load()(settings)
        return wrapper
    return open_transit(settings) if scheme else None
