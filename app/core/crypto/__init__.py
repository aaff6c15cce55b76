"""Secrets at rest: envelope encryption under a ring of master keys, and keys derived for others.

`open_vault` finds the master keys (environment, file, KMS), `Vault` seals and opens, `root` keeps
the secret that outlives every master key, `resealing` moves stored values to the newest one.
"""

from app.core.crypto.errors import InvalidMasterKey, KmsUnusable, UnreadableSecret
from app.core.crypto.keys import FileKeys, FixedKeys, KeyRing, MasterKey
from app.core.crypto.sources import open_vault
from app.core.crypto.vault import Vault
from app.core.crypto.wrapping import KeyWrapper

__all__ = [
    "FileKeys",
    "FixedKeys",
    "InvalidMasterKey",
    "KeyRing",
    "KeyWrapper",
    "KmsUnusable",
    "MasterKey",
    "UnreadableSecret",
    "Vault",
    "open_vault",
]
