"""What code is given, what it gives back, and when its process ends."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from app.agents.sandbox.errors import SandboxUnavailable
from app.agents.sandbox.limits import MIB, Code, CodeLimits
from app.agents.sandbox.sandbox import Sandbox
from tests.agents.sandbox.conftest import LIMITS

pytestmark = pytest.mark.asyncio(loop_scope="session")
TOKYO = """
from zoneinfo import ZoneInfo
import datetime
str(datetime.datetime(2026, 7, 1, tzinfo=ZoneInfo("Asia/Tokyo")).utcoffset())
"""
ROOT = Path(__file__).parents[3]


async def test_this_host_confines(sandbox: Sandbox) -> None:
    found = await sandbox.platform()

    assert found.ready
    assert found.missing is None
    assert found.layers["seccomp"]
    assert found.layers["limits"]


async def test_the_last_expression_is_the_value(sandbox: Sandbox) -> None:
    ended = await sandbox.run(Code("import math\nprint('out')\nmath.comb(5, 2)"), LIMITS)

    assert (ended.reason, ended.value, ended.stdout) == ("ok", "10", "out\n")


async def test_code_is_given_input_data_and_files(sandbox: Sandbox) -> None:
    text = (
        "import csv, json\nrows = list(csv.DictReader(open('sales.csv')))\n"
        "with open('out.json', 'w') as out: json.dump([r['a'] for r in rows], out)\n"
        "(input(), data['factor'], len(rows))"
    )
    code = Code(text, "typed\n", {"factor": 3}, {"sales.csv": b"a,b\n1,2\n3,4\n"})

    ended = await sandbox.run(code, LIMITS)

    assert ended.value == "('typed', 3, 2)"
    assert ended.files == {"out.json": b'["1", "3"]'}


async def test_files_can_be_appended_to_read_again_and_be_binary(sandbox: Sandbox) -> None:
    text = (
        "open('log', 'a').write('two')\nf = open('log', 'a'); f.write('!'); f.close()\n"
        "from pathlib import Path\nwith open('raw', 'xb') as raw: raw.write(bytes([0, 255]))\n"
        "Path('raw').read_bytes()"
    )

    ended = await sandbox.run(Code(text, files={"log": b"one"}), LIMITS)

    assert ended.value == r"b'\x00\xff'"
    assert ended.files["raw"] == b"\x00\xff"


async def test_files_past_the_bound_are_named_and_not_given(sandbox: Sandbox) -> None:
    limits = CodeLimits(seconds=4, cpu_seconds=1, file_bytes=10)
    code = Code("open('big', 'w').write('x' * 11)\nopen('small', 'w').write('y')")

    ended = await sandbox.run(code, limits)

    assert (dict(ended.files), list(ended.lost_files)) == ({"small": b"y"}, ["big"])


async def test_an_error_is_told_where_it_happened(sandbox: Sandbox) -> None:
    ended = await sandbox.run(Code("def half(x):\n    return 1 / x\n\nhalf(0)"), LIMITS)

    assert ended.reason == "error"
    assert ended.error is not None
    assert 'File "<code>", line 2, in half\n    return 1 / x' in ended.error
    assert ended.error.endswith("ZeroDivisionError: division by zero")
    assert "sandbox" not in ended.error


async def test_broken_syntax_is_an_error(sandbox: Sandbox) -> None:
    ended = await sandbox.run(Code("def f(:"), LIMITS)

    assert ended.reason == "error"
    assert "SyntaxError" in (ended.error or "")


async def test_leaving_is_ok_or_an_error_by_its_status(sandbox: Sandbox) -> None:
    left = await sandbox.run(Code("raise SystemExit"), LIMITS)
    failed = await sandbox.run(Code("raise SystemExit('no')"), LIMITS)

    assert left.reason == "ok"
    assert (failed.reason, failed.error) == ("error", "SystemExit: no")


async def test_long_output_keeps_its_head_and_its_tail(sandbox: Sandbox) -> None:
    limits = CodeLimits(seconds=4, cpu_seconds=1, kept_bytes=100)

    ended = await sandbox.run(Code("print('a' * 500 + 'z' * 500)"), limits)

    assert ended.stdout.startswith("a" * 50 + "\n… 901 bytes left out …\n")
    assert ended.stdout.endswith("z" * 49 + "\n")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("import datetime\ndatetime.datetime.strptime('2 Jan 2026', '%d %b %Y').day", "2"),
        (TOKYO, "'9:00:00'"),
        ("import sqlite3\nsqlite3.connect(':memory:').execute('select 6*7').fetchone()", "(42,)"),
        ("'\\N{SNOWMAN}'.encode('utf-16-le').hex()", "'0326'"),
        ("import statistics, decimal, re\nstatistics.median([3, 1, 2])", "2"),
        ("__import__('json').dumps([1])", "'[1]'"),
    ],
)
async def test_the_standard_library_works(sandbox: Sandbox, text: str, value: str) -> None:
    ended = await sandbox.run(Code(text), LIMITS)

    assert ended.value == value, ended


async def test_where_the_kernel_takes_no_filter_nothing_is_run(tmp_path: Path) -> None:
    """A process that may not call `prctl` stands for a host without seccomp."""
    script = f"""
import asyncio, ctypes, sys
sys.path.insert(0, {str(ROOT)!r})
from app.agents.sandbox.errors import SandboxUnavailable
from app.agents.sandbox.inside import seccomp
from app.agents.sandbox.inside.syscalls import machine
from app.agents.sandbox.limits import Code
from app.agents.sandbox.sandbox import Sandbox
here = machine()
seccomp.program = lambda machine, own: [
    (0x20, 0, 0, 0), (0x15, 0, 1, here.numbers["prctl"]), (6, 0, 0, 0x50001), (6, 0, 0, 0x7FFF0000)
]
libc = ctypes.CDLL(None, use_errno=True)
libc.prctl(38, 1, 0, 0, 0)
seccomp.install(libc, here, 0)
async def main():
    sandbox = Sandbox()
    try:
        ended = await sandbox.run(Code("print('it ran')"))
        print(ended)
    except SandboxUnavailable as error:
        print(error.code, error.detail)
    print(await sandbox.platform())
asyncio.run(main())
"""
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )

    assert "sandbox_unavailable The kernel cannot rule out new privileges." in done.stdout, done
    assert "Platform(ready=False" in done.stdout
    assert "it ran" not in done.stdout


async def test_a_system_without_the_walls_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")

    with pytest.raises(SandboxUnavailable):
        await Sandbox().run(Code("1"))
    assert (await Sandbox().platform()).ready is False


async def test_a_cancelled_run_takes_its_process_with_it(sandbox: Sandbox) -> None:
    running = asyncio.create_task(sandbox.run(Code("while True: pass"), CodeLimits()))
    await _until(lambda: _children(os.getpid()) != [])

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert _children(os.getpid()) == []


async def test_its_process_ends_with_the_service(tmp_path: Path) -> None:
    script = f"""
import asyncio, sys
sys.path.insert(0, {str(ROOT)!r})
from app.agents.sandbox.limits import Code, CodeLimits
from app.agents.sandbox.sandbox import Sandbox
asyncio.run(Sandbox().run(Code("import time; time.sleep(60)"), CodeLimits(seconds=60)))
"""
    with subprocess.Popen([sys.executable, "-c", script]) as service:  # noqa: ASYNC220, S603
        await _until(lambda: _children(service.pid) != [])
        (child,) = _children(service.pid)
        service.send_signal(signal.SIGKILL)

    await _until(lambda: not Path(f"/proc/{child}").exists())


async def test_no_more_run_at_once_than_may() -> None:
    sandbox = Sandbox(at_once=1)
    first = asyncio.create_task(sandbox.run(Code("while True: pass"), CodeLimits()))
    await _until(lambda: len(_children(os.getpid())) == 1)
    second = asyncio.create_task(sandbox.run(Code("2"), LIMITS))
    await asyncio.sleep(0)
    before = _children(os.getpid())
    first.cancel()

    assert (await second).value == "2"
    assert len(before) == 1


async def test_nothing_is_left_open_after_many_runs(sandbox: Sandbox) -> None:
    await sandbox.run(Code("1"), LIMITS)
    before = _descriptors()

    await asyncio.gather(*[sandbox.run(Code("1"), LIMITS) for _ in range(6)])

    # What one run leaves, six leave six times; others in this process open and close one or two.
    assert _descriptors() < before + 6
    assert _children(os.getpid()) == []


async def test_memory_is_that_beside_the_interpreter(sandbox: Sandbox) -> None:
    limits = CodeLimits(seconds=4, cpu_seconds=1, memory_bytes=64 * MIB)

    fits = await sandbox.run(Code(f"x = bytearray({48 * MIB}); len(x)"), limits)
    does_not = await sandbox.run(Code(f"x = bytearray({65 * MIB}); len(x)"), limits)

    assert (fits.reason, does_not.reason) == ("ok", "memory")


def _children(parent: int) -> list[int]:
    """The sandbox's processes that this one started."""
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            ancestor = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            command = (folder / "cmdline").read_bytes()
        except (OSError, ValueError):
            continue
        if ancestor == parent and b"sandbox.inside" in command:
            found.append(int(folder.name))
    return found


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def _until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110 - processes tell nobody
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("code", ["raise ValueError('\\ud800')", "open('\\ud800', 'w').write('x')"])
async def test_half_a_sign_is_told_as_a_question_mark(sandbox: Sandbox, code: str) -> None:
    ended = await sandbox.run(Code(code), LIMITS)

    assert ended.reason in ("ok", "error")
    assert ended.files == {"?": b"x"} or (ended.error or "").endswith("ValueError: ?")
