"""What can go wrong with vectors, where their store answers."""

from app.core.errors import Conflict


class EmbeddingLengthChanged(Conflict):
    """A model makes longer or shorter vectors than it did, under the same name."""

    code = "embedding_length_changed"
    title = "The embedding model is not the one that it was"
