"""What can be wrong with imports, peers and bundles."""

from app.core.errors import (
    BadRequest,
    Conflict,
    FieldError,
    NotFound,
    PayloadTooLarge,
    Unprocessable,
)


class ImportNotFound(NotFound):
    code = "import_not_found"
    title = "There is no such import"


class ImportUnderWay(Conflict):
    code = "import_under_way"
    title = "Another import into this dictionary is under way"
    retryable = True


class ImportInvalid(Unprocessable):
    code = "import_invalid"
    title = "This cannot be imported"


class ImportTooLarge(PayloadTooLarge):
    code = "import_too_large"
    title = "The file is too large"


class FormatUnknown(BadRequest):
    code = "import_format_unknown"
    title = "The file's format is not known"


class FileMalformed(Unprocessable):
    """Nothing of it was imported, unless `continue_on_error` asked for what stands before."""

    code = "import_malformed"
    title = "The file is malformed"


class PeerNotFound(NotFound):
    code = "dictionary_peer_not_found"
    title = "There is no such peer"


class PeerInvalid(Unprocessable):
    code = "dictionary_peer_invalid"
    title = "This key cannot be pinned"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, errors=(FieldError("/body/public_jwk", self.code, detail),))


class PeerKeyTaken(Conflict):
    code = "dictionary_peer_key_taken"
    title = "Another peer of this dictionary has the key"


class BundleRefused(Unprocessable):
    """Nothing of it was taken over."""

    code = "bundle_refused"
    title = "The bundle is not one of a peer of this dictionary"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, errors=(FieldError("/body/bundle", self.code, detail),))


class RowRefused(Unprocessable):
    """Why one concept of a file is not taken in."""

    code = "import_row_refused"
    title = "The concept cannot be taken in"
