"""The store of files that the settings name."""

from typing import Final

from yarl import URL

from app.core.config import InvalidSettings, Settings
from app.knowledge.storage.files import Files
from app.knowledge.storage.local import LocalFiles
from app.knowledge.storage.s3 import Bucket, S3Files

FOLDER: Final = "files"
_KNOWN: Final = {"endpoint", "region", "addressing"}


def open_files(settings: Settings) -> Files:
    """The data folder, or the bucket of LUMINOUS_FILES; raises InvalidSettings."""
    folder = settings.data_dir / FOLDER
    if not settings.files:
        return LocalFiles(folder)
    return S3Files(bucket_of(settings), folder / ".incoming")


def bucket_of(settings: Settings) -> Bucket:
    """`s3://bucket/prefix?endpoint=…&region=…&addressing=virtual`, with the key beside it."""
    url = URL(settings.files)
    unknown = sorted(set(url.query) - _KNOWN)
    if unknown:
        raise InvalidSettings(f"LUMINOUS_FILES cannot be used: {unknown[0][:50]!r} is not known.")
    secret = settings.files_secret
    if bool(settings.files_key_id) != (secret is not None):
        raise InvalidSettings("LUMINOUS_FILES_KEY_ID and LUMINOUS_FILES_SECRET go together.")
    return Bucket(
        name=url.host or "",
        prefix=url.path.strip("/"),
        endpoint=url.query.get("endpoint", ""),
        region=url.query.get("region", ""),
        virtual_hosted=url.query.get("addressing") == "virtual",
        key_id=settings.files_key_id,
        secret=secret.get_secret_value() if secret is not None else "",
    )
