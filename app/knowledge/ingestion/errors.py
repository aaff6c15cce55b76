"""Why a document is not taken in, beside what its format brings about."""

from app.core.errors import Conflict, NotFound, PayloadTooLarge, Unprocessable, UpstreamFailed


class UploadInvalid(Unprocessable):
    code = "upload_invalid"
    title = "This upload cannot be read"


class UploadTooLarge(PayloadTooLarge):
    code = "upload_too_large"
    title = "The document is too large"


class FetchFailed(UpstreamFailed):
    code = "fetch_failed"
    title = "The address gave no document"
    retryable = False


class FetchUnavailable(UpstreamFailed):
    code = "fetch_unavailable"
    title = "The address cannot be fetched for now"


class DocumentGone(NotFound):
    code = "document_gone"
    title = "The document was deleted meanwhile"


class IngestionSuperseded(Conflict):
    code = "ingestion_superseded"
    title = "A later run takes the document in"


class IngestionCancelled(Conflict):
    code = "ingestion_cancelled"
    title = "Its run was cancelled"


class TooManyChunks(Unprocessable):
    code = "too_many_chunks"
    title = "The document comes to too many chunks"


class NotEmbedded(Conflict):
    """What can be found of it is found by its words alone."""

    code = "not_embedded"
    title = "The document cannot be embedded"
