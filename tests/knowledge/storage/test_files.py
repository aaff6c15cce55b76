"""Files, in the data folder and in a bucket."""

import asyncio
import hashlib
import os
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import IO
from uuid import UUID

import pytest

from app.core.config import InvalidSettings, Settings, load_settings
from app.core.ids import new_id
from app.knowledge.storage import spool
from app.knowledge.storage.errors import FileMissing, FilesUnavailable, FileTooLarge
from app.knowledge.storage.files import Files, key_of
from app.knowledge.storage.open import bucket_of, open_files
from app.knowledge.storage.personal import WorkspaceFiles
from app.oversight.privacy.people import Person
from tests.knowledge.storage.conftest import bucket_settings
from tests.support.fakes.s3 import FakeS3

MOST = 50 * 1024 * 1024


async def pieces(*each: bytes) -> AsyncIterator[bytes]:
    for piece in each:
        yield piece


async def whole(files: Files, key: str, start: int = 0, end: int | None = None) -> bytes:
    return b"".join([piece async for piece in files.read(key, start, end)])


def left_over(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_a_file_is_read_as_it_was_written_whole_or_in_part(files: Files) -> None:
    key = key_of(new_id(), "documents", str(new_id()), "1")
    content = os.urandom(700_000)
    stored = await files.put(key, pieces(content[:5], content[5:], b""), most_bytes=MOST)
    assert (stored.key, stored.size) == (key, len(content))
    assert stored.sha256 == hashlib.sha256(content).hexdigest()
    assert await files.size(key) == len(content)
    assert await whole(files, key) == content
    assert await whole(files, key, 10, 300_000) == content[10:300_000]
    assert await whole(files, key, 699_990) == content[-10:]
    assert await whole(files, key, 800_000) == b""
    async with files.on_disk(key) as path:
        assert await asyncio.to_thread(path.read_bytes) == content


async def test_a_large_file_goes_in_parts_and_an_empty_one_is_kept(files: Files) -> None:
    key, content = key_of(new_id(), "large"), os.urandom(1024 * 1024) * 12
    stored = await files.put(key, pieces(content), most_bytes=MOST)
    assert stored.sha256 == hashlib.sha256(content).hexdigest()
    assert await whole(files, key) == content
    empty = key_of(new_id(), "empty")
    assert (await files.put(empty, pieces(), most_bytes=MOST)).size == 0
    assert await whole(files, empty) == b""


async def test_a_file_is_replaced_whole(files: Files) -> None:
    key = key_of(new_id(), "a")
    await files.put(key, pieces(b"first, and longer"), most_bytes=MOST)
    await files.put(key, pieces(b"second"), most_bytes=MOST)
    assert await whole(files, key) == b"second"


async def test_what_is_too_large_or_breaks_off_leaves_nothing(
    files: Files, tmp_path: Path, s3: FakeS3
) -> None:
    key = key_of(new_id(), "a")
    with pytest.raises(FileTooLarge):
        await files.put(key, pieces(b"12345", b"6"), most_bytes=5)

    async def broken() -> AsyncIterator[bytes]:
        yield b"x" * 2_000_000
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await files.put(key, broken(), most_bytes=MOST)

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x"
            await asyncio.sleep(0)

    putting = asyncio.create_task(files.put(key, endless(), most_bytes=MOST))
    await asyncio.sleep(0.05)
    putting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await putting
    with pytest.raises(FileMissing):
        await files.size(key)
    assert left_over(tmp_path) == []
    assert s3.objects == {}
    assert s3.uploads == {}


async def test_what_is_cut_off_while_its_file_is_made_leaves_nothing(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    making, go_on = threading.Event(), threading.Event()
    made: list[IO[bytes]] = []

    def make(path: Path) -> IO[bytes]:
        making.set()
        go_on.wait(10)
        made.append(create(path))
        return made[0]

    create = spool._create
    monkeypatch.setattr(spool, "_create", make)
    putting = asyncio.create_task(files.put(key_of(new_id(), "a"), pieces(b"x"), most_bytes=MOST))
    await asyncio.to_thread(making.wait, 10)
    putting.cancel()
    await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await putting
    assert [each.closed for each in made] == [True]
    assert left_over(tmp_path) == []


async def test_what_is_not_there_is_told_and_deleting_it_is_no_error(files: Files) -> None:
    key = key_of(new_id(), "documents", "nothing")
    with pytest.raises(FileMissing):
        await files.size(key)
    with pytest.raises(FileMissing):
        await whole(files, key)
    with pytest.raises(FileMissing):
        async with files.on_disk(key):
            pass
    await files.delete(key)


async def test_files_are_listed_and_deleted_by_workspace_and_folder(
    files: Files, tmp_path: Path, s3: FakeS3
) -> None:
    s3.page = 2
    ours, theirs = new_id(), new_id()
    keys = [key_of(ours, "documents", "a", str(n)) for n in range(3)]
    keys += [key_of(ours, "documents", "ab", "1"), key_of(theirs, "documents", "a", "1")]
    for key in keys:
        await files.put(key, pieces(b"x"), most_bytes=MOST)
    assert sorted([key async for key in files.keys(ours)]) == sorted(keys[:4])
    assert sorted([key async for key in files.keys(ours, "documents", "a")]) == sorted(keys[:3])
    assert await files.delete_all(ours, "documents", "a") == 3
    assert [key async for key in files.keys(ours)] == [keys[3]]
    await files.delete(keys[3])
    assert await files.delete_all(ours) == 0
    assert [key async for key in files.keys(theirs)] == [keys[4]]
    assert await files.delete_all(theirs) == 1
    assert left_over(tmp_path) == []


@pytest.mark.parametrize("part", ["..", "a/b", "", ".hidden", "a\x00", "a..b", "é", "x" * 200])
def test_keys_cannot_leave_their_workspace(part: str) -> None:
    with pytest.raises(ValueError, match="key"):
        key_of(new_id(), part)


@pytest.mark.parametrize(
    "key", ["", "../a", "/etc/passwd", "{id}/../{id}", "{id}//a", "{id}/.incoming/a", "name/a"]
)
async def test_a_key_that_was_not_made_by_us_is_refused(files: Files, key: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        await files.put(key.format(id=new_id()), pieces(b"x"), most_bytes=MOST)


async def test_files_in_the_folder_are_their_owners_alone(tmp_path: Path) -> None:
    files = open_files(Settings(data_dir=tmp_path))
    key = key_of(new_id(), "documents", "a")
    await files.put(key, pieces(b"x"), most_bytes=MOST)
    path = tmp_path / "files" / key
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    await files.delete(key)
    assert [each.name for each in (tmp_path / "files").iterdir()] == [".incoming"]


async def test_files_of_a_process_that_died_are_swept_after_a_day(tmp_path: Path) -> None:
    incoming = tmp_path / "files" / ".incoming"
    incoming.mkdir(parents=True)
    for name, age in (("old", 2 * 86_400), ("new", 60)):
        (incoming / name).touch()
        then = (incoming / name).stat().st_mtime - age
        os.utime(incoming / name, (then, then))
    # As one that was moved to its place between the listing and the look at it.
    (incoming / "moved").symlink_to("nowhere")
    files = open_files(Settings(data_dir=tmp_path))
    await files.put(key_of(new_id(), "a"), pieces(b"x"), most_bytes=MOST)
    assert sorted(path.name for path in incoming.iterdir()) == ["moved", "new"]


async def test_a_disk_that_takes_nothing_is_unavailable(files: Files, tmp_path: Path) -> None:
    (tmp_path / "files").touch()
    with pytest.raises(FilesUnavailable) as away:
        await files.put(key_of(new_id(), "a"), pieces(b"x"), most_bytes=MOST)
    assert away.value.retryable


async def test_a_store_that_refuses_or_is_away_is_unavailable(s3: FakeS3, tmp_path: Path) -> None:
    key = key_of(new_id(), "a")
    wrong = open_files(bucket_settings(s3, tmp_path, files_key_id="another"))
    with pytest.raises(FilesUnavailable) as refused:
        await wrong.put(key, pieces(b"x"), most_bytes=MOST)
    assert refused.value.retryable
    assert "the-secret" not in str(refused.value)
    assert left_over(tmp_path) == []
    nowhere = open_files(bucket_settings(s3, tmp_path, files=f"s3://other?endpoint={s3.url}"))
    with pytest.raises(FilesUnavailable):
        await nowhere.put(key, pieces(b"x"), most_bytes=MOST)
    files = open_files(bucket_settings(s3, tmp_path))
    s3.refusal = 403
    with pytest.raises(FilesUnavailable):
        await files.size(key)


async def test_objects_are_under_the_prefix_of_the_bucket(s3: FakeS3, tmp_path: Path) -> None:
    files = open_files(bucket_settings(s3, tmp_path))
    key = key_of(new_id(), "a")
    await files.put(key, pieces(b"x"), most_bytes=MOST)
    assert list(s3.objects) == [f"some/folder/{key}"]


async def test_an_erased_workspace_leaves_no_file_and_others_stay(files: Files) -> None:
    store, tally = WorkspaceFiles(files), Counted()
    gone, stays = new_id(), new_id()
    for workspace_id in (gone, gone, stays):
        key = key_of(workspace_id, "documents", str(new_id()))
        await files.put(key, pieces(b"x"), most_bytes=MOST)
    person = Person(new_id(), workspaces=frozenset({gone}))
    assert await store.left(person) == 2
    await store.erase(person, tally)
    await store.erase(person, tally)
    assert await store.left(person) == 0
    assert tally.told == [("uploads", "deleted", 2)]
    assert [UUID(key.split("/")[0]) async for key in files.keys(stays)] == [stays]


class Counted:
    def __init__(self) -> None:
        self.told: list[tuple[str, str, int]] = []

    async def add(self, place: str, action: str, count: int, **_: object) -> None:
        self.told.append((place, action, count))


def test_the_address_of_a_bucket_is_checked_at_the_start() -> None:
    for wrong in ("bucket", "http://bucket", "s3://", "s3://Up", "s3://a b"):
        with pytest.raises(InvalidSettings, match="LUMINOUS_FILES"):
            load_settings(files=wrong)
    with pytest.raises(InvalidSettings, match="pretty"):
        bucket_of(load_settings(files="s3://bucket?pretty=1"))
    with pytest.raises(InvalidSettings, match="together"):
        bucket_of(load_settings(files="s3://bucket", files_key_id="a"))
    bucket = bucket_of(load_settings(files="s3://my.bucket/a/b/?region=eu-1&addressing=virtual"))
    assert (bucket.name, bucket.prefix, bucket.region) == ("my.bucket", "a/b", "eu-1")
    assert bucket.virtual_hosted
