"""What can go wrong with files."""

from app.core.errors import NotFound, PayloadTooLarge, Unavailable


class FileMissing(NotFound):
    code = "file_missing"
    title = "The file is not there"


class FileTooLarge(PayloadTooLarge):
    code = "file_too_large"
    title = "The file is too large"


class FilesUnavailable(Unavailable):
    code = "files_unavailable"
    title = "The store of files does not answer"
