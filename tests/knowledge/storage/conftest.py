"""The data folder, and a bucket behind a socket: both keep the same contract."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from pydantic import SecretStr

from app.core.config import Settings
from app.knowledge.storage.files import Files
from app.knowledge.storage.open import open_files
from tests.support.fakes.s3 import KEY_ID, SECRET, FakeS3


@pytest_asyncio.fixture
async def s3() -> AsyncIterator[FakeS3]:
    fake = FakeS3("bucket")
    await fake.start()
    yield fake
    await fake.stop()


def bucket_settings(s3: FakeS3, data_dir: Path, **more: object) -> Settings:
    given = {
        "data_dir": data_dir,
        "files": f"s3://bucket/some/folder?endpoint={s3.url}",
        "files_key_id": KEY_ID,
        "files_secret": SecretStr(SECRET),
    }
    return Settings(**{**given, **more})


@pytest_asyncio.fixture(params=["folder", "bucket"])
async def files(request, s3: FakeS3, tmp_path: Path) -> AsyncIterator[Files]:
    here = Settings(data_dir=tmp_path)
    files = open_files(bucket_settings(s3, tmp_path) if request.param == "bucket" else here)
    yield files
    await files.close()
