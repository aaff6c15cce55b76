"""The ways in which a person can prove who they are."""

from collections.abc import Iterable
from enum import StrEnum


class Method(StrEnum):
    """One way of proving; all but the password are second factors."""

    PASSWORD = "password"  # noqa: S105 - a name
    TOTP = "totp"
    PASSKEY = "passkey"
    RECOVERY_CODE = "recovery_code"


def in_words(methods: Iterable[Method]) -> str:
    """`totp`, `passkey` or `recovery_code`."""
    *others, last = [f"`{method}`" for method in methods]
    return f"{', '.join(others)} or {last}" if others else last
