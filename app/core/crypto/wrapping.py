"""What a key management service does for us: it wraps master keys, so none is stored as it is."""

from typing import Protocol


class KeyWrapper(Protocol):
    """A KMS that wraps 32-byte master keys under a key which never leaves it.

    Another package adds one as an entry point of the group `luminous.kms`, named by the scheme of
    LUMINOUS_KMS_URL (`aws-kms` for `aws-kms://…`): a callable that takes the Settings. Both
    methods block; they are called at the start, and when a key was added. They raise KmsUnusable.
    """

    @property
    def key_id(self) -> str:
        """The name of the wrapping key, for people."""

    def wrap(self, key: bytes) -> str:
        """ASCII without whitespace or commas, which `unwrap` turns into the key again."""

    def unwrap(self, wrapped: str) -> bytes:
        """The key that was wrapped."""
