"""Why a file, or a row of it, is not imported."""


class FileRefused(Exception):
    """The file as a whole cannot be read; the message is one sentence for the operator."""


class RowRefused(Exception):
    """One row is not imported; the message says why, without what the row holds."""
