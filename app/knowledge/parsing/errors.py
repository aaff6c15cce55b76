"""Why a document is not taken in. Each is told to its owner, on the document and in its run.

DocumentRefused
├── DocumentEmpty            it has no bytes
├── NoTextFound              it has pages or pictures, but no text
├── UnsupportedDocument      not a format that is read
├── DocumentTooLarge         too many bytes
├── DocumentTooLong          too many pages, characters or blocks
├── DocumentEncrypted        a password is needed
├── DocumentUnreadable       broken, or not what it says it is
├── DocumentUnsafe           a decompression bomb, or XML that declares entities
└── DocumentTooCostly        it takes too much time or memory to read
"""

from typing import Final

from app.core.errors import AppError, Unavailable


class DocumentRefused(AppError):
    status = 422
    code = "document_refused"
    title = "The document cannot be taken in"


class DocumentEmpty(DocumentRefused):
    code = "document_empty"
    title = "The document is empty"


class NoTextFound(DocumentRefused):
    code = "no_text_found"
    title = "The document has no text"


class UnsupportedDocument(DocumentRefused):
    status = 415
    code = "unsupported_document"
    title = "Documents of this format are not read"


class DocumentTooLarge(DocumentRefused):
    status = 413
    code = "document_too_large"
    title = "The document is too large"


class DocumentTooLong(DocumentRefused):
    code = "document_too_long"
    title = "The document is too long"


class DocumentEncrypted(DocumentRefused):
    code = "document_encrypted"
    title = "The document is encrypted"


class DocumentUnreadable(DocumentRefused):
    code = "document_unreadable"
    title = "The document cannot be read"


class DocumentUnsafe(DocumentRefused):
    code = "document_unsafe"
    title = "The document is built to do harm"


class DocumentTooCostly(DocumentRefused):
    code = "document_too_costly"
    title = "The document takes too much to read"


class ParserUnavailable(Unavailable):
    code = "parser_unavailable"
    title = "Documents cannot be read now"


REFUSALS: Final[dict[str, type[DocumentRefused]]] = {
    kind.code: kind
    for kind in (
        DocumentEmpty,
        NoTextFound,
        UnsupportedDocument,
        DocumentTooLarge,
        DocumentTooLong,
        DocumentEncrypted,
        DocumentUnreadable,
        DocumentUnsafe,
        DocumentTooCostly,
    )
}
