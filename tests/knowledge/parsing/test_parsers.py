"""The processes that read: how many, what they may do, and when they end."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.knowledge.parsing import parse as parsing
from app.knowledge.parsing.errors import (
    DocumentTooCostly,
    DocumentTooLong,
    DocumentUnreadable,
    ParserUnavailable,
)
from app.knowledge.parsing.limits import ParseLimits
from app.knowledge.parsing.parse import Parsers
from tests.support.identity import until

SLOW = b"[a" * 200_000


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def template_of(parsers: Parsers) -> int:
    return parsers._template._process.pid


async def test_a_reader_is_killed_when_nobody_waits_for_it_any_more(
    parsers: Parsers, tmp_path: Path
) -> None:
    slow = tmp_path / "slow.md"
    slow.write_bytes(SLOW)
    reading = asyncio.create_task(parsers.parse(slow, filename="slow.md"))

    async def is_reading() -> bool:
        return parsers._template is not None and bool(children_of(template_of(parsers)))

    await until(is_reading, seconds=60)
    reading.cancel()

    async def is_gone() -> bool:
        return not children_of(template_of(parsers))

    await until(is_gone, seconds=60)
    with pytest.raises(asyncio.CancelledError):
        await reading


@pytest.mark.parametrize("limits", [ParseLimits(cpu_seconds=1), ParseLimits(seconds=0.3)])
async def test_no_more_are_read_together_than_is_allowed(
    parsers: Parsers, tmp_path: Path, limits: ParseLimits
) -> None:
    slow = tmp_path / "slow.md"
    slow.write_bytes(SLOW)
    reading = [
        asyncio.create_task(parsers.parse(slow, filename="slow.md", limits=limits))
        for _ in range(4)
    ]
    most = 0
    while not all(task.done() for task in reading):
        if parsers._template is not None:
            most = max(most, len(children_of(template_of(parsers))))
        await asyncio.sleep(0.002)
    ended = await asyncio.gather(*reading, return_exceptions=True)
    assert all(isinstance(each, DocumentTooCostly) for each in ended)
    assert most == 2


async def test_a_documents_clock_runs_from_when_its_reader_began(tmp_path: Path) -> None:
    """Loading the template takes about a second, reading some words a fiftieth of one."""
    parsers = Parsers(1)
    file = tmp_path / "a.txt"
    file.write_text("Some words")
    try:
        parsed = await parsers.parse(file, limits=ParseLimits(seconds=0.5))
    finally:
        await parsers.close()
    assert parsed.text == "Some words"


async def test_where_no_reader_comes_in_time_the_next_document_has_another_template(
    parsers: Parsers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.txt"
    file.write_text("Some words")
    await parsers.parse(file)
    stuck = template_of(parsers)
    os.kill(stuck, signal.SIGSTOP)
    monkeypatch.setattr(parsing, "START_SECONDS", 0.1)
    with pytest.raises(ParserUnavailable):
        await parsers.parse(file)
    monkeypatch.undo()
    assert (await parsers.parse(file)).text == "Some words"
    assert template_of(parsers) != stuck


def test_nothing_outlives_a_service_that_is_killed(tmp_path: Path) -> None:
    (tmp_path / "quick.txt").write_text("Some words")
    (tmp_path / "slow.md").write_bytes(SLOW)
    service = """
import asyncio, os, sys
from pathlib import Path
sys.path.insert(0, os.getcwd())
from app.knowledge.parsing.parse import Parsers
async def main():
    parsers, folder = Parsers(1), Path(sys.argv[1])
    await parsers.parse(folder / "quick.txt")
    print(parsers._template._process.pid, flush=True)
    await parsers.parse(folder / "slow.md", filename="slow.md")
asyncio.run(main())
"""
    command = [sys.executable, "-c", service, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:  # noqa: S603 - our own
        template = int(process.stdout.readline())
        readers = eventually(lambda: children_of(template))
        process.kill()
    eventually(lambda: not any(map(is_alive, (template, *readers))))


def eventually(look):
    """What it says as soon as that is true."""
    for _ in range(6000):
        if seen := look():
            return seen
        time.sleep(0.01)
    raise AssertionError("still not so after a minute")


def is_alive(pid: int) -> bool:
    try:
        told = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    # Where nobody collects it, a process that ended stays as a zombie.
    return told.rpartition(")")[2].split()[0] not in "ZX"


async def test_the_processes_end_when_idle_and_start_again(tmp_path: Path) -> None:
    parsers = Parsers(1, idle_seconds=0.05)
    file = tmp_path / "a.txt"
    file.write_text("Some words")
    try:
        await parsers.parse(file)

        async def is_over() -> bool:
            return parsers._template is None

        await until(is_over, seconds=60)
        assert (await parsers.parse(file)).text == "Some words"
    finally:
        await parsers.close()


async def test_when_its_process_dies_a_document_fails_for_now_and_the_next_is_read(
    parsers: Parsers, tmp_path: Path
) -> None:
    slow, quick = tmp_path / "slow.md", tmp_path / "quick.md"
    slow.write_bytes(SLOW)
    quick.write_text("# Quick")
    reading = asyncio.create_task(parsers.parse(slow, filename="slow.md"))

    async def is_reading() -> bool:
        return parsers._template is not None and bool(children_of(template_of(parsers)))

    await until(is_reading, seconds=60)
    os.kill(template_of(parsers), 9)
    with pytest.raises(ParserUnavailable) as away:
        await reading
    assert away.value.retryable
    assert (await parsers.parse(quick, filename="quick.md")).title == "Quick"


async def test_readers_know_nothing_of_the_service_and_open_nothing(
    parsers: Parsers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LUMINOUS_MASTER_KEY", "a secret of the service")
    file = tmp_path / "a.txt"
    file.write_text("Some words")
    await parsers.parse(file)
    seen = await asyncio.to_thread(seen_by, template_of(parsers))
    assert b"secret" not in seen[0]
    assert all(told.startswith(("socket:", "/dev/null", "anon_inode:")) for told in seen[1])
    # Its control line, and the pair by which it is told of readers that ended.
    assert sum(told.startswith("socket:") for told in seen[1]) == 3


def seen_by(pid: int) -> tuple[bytes, list[str]]:
    """The environment of a process, and what its descriptors stand for."""
    process = Path(f"/proc/{pid}")
    opened = [str(descriptor.readlink()) for descriptor in (process / "fd").iterdir()]
    return (process / "environ").read_bytes(), opened


def test_a_confined_process_writes_nothing_asks_nobody_and_starts_nothing() -> None:
    """In a process of its own: what is set there is set for good."""
    tried = """
import os, resource, socket, subprocess, sys
sys.path.insert(0, os.getcwd())
from app.knowledge.parsing.confinement import confine
from app.knowledge.parsing.limits import ParseLimits
confine(ParseLimits())
for attempt in (
    lambda: socket.socket(), lambda: subprocess.run(["true"]), lambda: os.fork(),
    lambda: open("/tmp/x", "w"), lambda: open("/etc/passwd"), lambda: os.kill(1, 0),
    lambda: open(b"/etc/passwd"), lambda: open(sys.prefix + "/../../../../../../etc/passwd"),
    lambda: os.remove("/tmp/x"), lambda: os.system("true"), lambda: socket.getaddrinfo("a.b", 1),
):
    try:
        attempt()
    except PermissionError:
        continue
    sys.exit("it was let")
assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == 0
try:
    bytearray(3 << 30)
except MemoryError:
    print("confined")
"""
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", tried], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "confined", done.stderr


async def test_the_service_keeps_flat_while_a_document_that_is_too_much_is_read(
    parsers: Parsers, tmp_path: Path
) -> None:
    large = tmp_path / "large.bin"
    large.write_bytes(b"\xff\xfe" + b"a\x00" * 20_000_000)
    with pytest.raises(DocumentTooLong):
        await parsers.parse(large, filename="x.txt")
    before = _resident()
    for _ in range(3):
        with pytest.raises(DocumentTooLong):
            await parsers.parse(large, filename="x.txt")
    assert _resident() - before < 8 * 1024 * 1024


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def test_the_readers_of_all_documents_come_from_one_loaded_process(
    parsers: Parsers, tmp_path: Path
) -> None:
    file = tmp_path / "a.md"
    file.write_text("# A\n\nwords")
    await parsers.parse(file, filename="a.md")
    template = template_of(parsers)
    for _ in range(3):
        await parsers.parse(file, filename="a.md")
    assert template_of(parsers) == template


async def test_what_a_reader_cannot_explain_is_unreadable(parsers: Parsers, tmp_path: Path) -> None:
    file = tmp_path / "a.rtf"
    file.write_bytes(b"PK\x03\x04" + b"x" * 100)
    with pytest.raises(DocumentUnreadable):
        await parsers.parse(file, filename="a.docx")
