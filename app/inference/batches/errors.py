"""What can be wrong with a batch or a file."""

from app.core.errors import NotFound, PermissionDenied, Unprocessable


class BatchNotFound(NotFound):
    code = "batch_not_found"
    title = "There is no such batch"


class FileNotFound(NotFound):
    code = "file_not_found"
    title = "There is no such file"


class BatchInvalid(Unprocessable):
    """`errors` name the lines at fault, from 1."""

    code = "batch_invalid"
    title = "This batch cannot be made"


class FileInvalid(Unprocessable):
    code = "file_invalid"
    title = "This file cannot be kept"


class BatchKeyEnded(PermissionDenied):
    """What was answered by then stays."""

    code = "batch_key_ended"
    title = "The API key that made this batch has been revoked or has expired"
