"""Qdrant: a server by URL, or its local engine in the data folder."""

from qdrant_client import AsyncQdrantClient

from app.core.config import InvalidSettings, Settings

Vectors = AsyncQdrantClient


def open_vectors(settings: Settings) -> Vectors:
    """The client; raises InvalidSettings when the local folder belongs to another process."""
    if settings.qdrant_url:
        key = settings.qdrant_api_key.get_secret_value() if settings.qdrant_api_key else None
        return AsyncQdrantClient(url=settings.qdrant_url, api_key=key, check_compatibility=False)
    try:
        return AsyncQdrantClient(path=str(settings.data_dir / "qdrant"))
    except RuntimeError as error:
        raise InvalidSettings(
            f"The vector store in {settings.data_dir / 'qdrant'} is open in another process; "
            "stop that one, or set QDRANT_URL to a Qdrant server."
        ) from error
