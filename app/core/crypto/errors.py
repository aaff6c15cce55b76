"""What can be wrong with keys and sealed values. The messages name no secret."""


class UnreadableSecret(Exception):
    """A sealed value that none of the master keys opens."""


class InvalidMasterKey(Exception):
    """A master key that cannot be used; the message says why, without a full stop."""


class KmsUnusable(InvalidMasterKey):
    """The key management service did not wrap or unwrap a master key."""
