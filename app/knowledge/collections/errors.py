"""What can be wrong with collections and documents."""

from uuid import UUID

from app.core.errors import Conflict, FieldError, NotFound, PermissionDenied, Unprocessable


class CollectionNotFound(NotFound):
    code = "collection_not_found"
    title = "There is no such collection"


class CollectionSlugTaken(Conflict):
    code = "collection_slug_taken"
    title = "Another collection has this slug"


class TooManyCollections(Conflict):
    code = "too_many_collections"
    title = "The workspace has as many collections as it may"


class CollectionReadOnly(PermissionDenied):
    code = "collection_read_only"
    title = "The collection is shared with you to read"


class CollectionNotYours(PermissionDenied):
    code = "collection_not_yours"
    title = "Only its owner may do this"


class EmbeddingModelNotUsable(Unprocessable):
    code = "embedding_model_not_usable"
    title = "This embedding model cannot be used"

    def __init__(self, detail: str) -> None:
        wrong = FieldError("/body/embedding_model", self.code, "names no embedding model")
        super().__init__(detail, errors=(wrong,))


class DocumentNotFound(NotFound):
    code = "document_not_found"
    title = "There is no such document"


class DocumentExists(Conflict):
    """`document_id` is the one that says the same."""

    code = "document_exists"
    title = "The collection has a document with this content"

    def __init__(self, document_id: UUID) -> None:
        super().__init__(f"The document {document_id} has the same content.")
        self.document_id = document_id


class TooManyDocuments(Conflict):
    code = "too_many_documents"
    title = "The collection has as many documents as it may"


class TooManyVersions(Conflict):
    code = "too_many_versions"
    title = "The document has as many versions as it may"


class VersionNotFound(NotFound):
    code = "version_not_found"
    title = "The document has no such version"


class DocumentNotReady(Conflict):
    code = "document_not_ready"
    title = "The document has not been read yet"
    retryable = True


class ContentMissing(NotFound):
    code = "content_missing"
    title = "There is no file yet"


class SnapshotNotFound(NotFound):
    code = "snapshot_not_found"
    title = "The collection has no such snapshot"


class TooManySnapshots(Conflict):
    code = "too_many_snapshots"
    title = "The collection has as many snapshots as it may"


class ReindexUnderWay(Conflict):
    code = "reindex_under_way"
    title = "The collection is being indexed anew"
    retryable = True
