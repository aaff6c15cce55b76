"""No way out: each attempt of `attempts` ends exactly as is written there."""

import asyncio
import os
import platform
from pathlib import Path

import pytest

from app.agents.sandbox.limits import Code
from app.agents.sandbox.sandbox import Sandbox
from tests.agents.sandbox.attempts import (
    COSTS,
    FILES,
    INSIDE,
    KERNEL,
    NETWORK,
    PROCESSES,
    Attempt,
)
from tests.agents.sandbox.conftest import LIMITS

pytestmark = pytest.mark.asyncio(loop_scope="session")
ALL = [*NETWORK, *FILES, *PROCESSES, *KERNEL, *COSTS, *INSIDE]


@pytest.mark.parametrize("attempt", ALL, ids=[each.name for each in ALL])
async def test_attempt_comes_to_nothing(
    attempt: Attempt, sandbox: Sandbox, native: Sandbox
) -> None:
    if "syscall" in attempt.code and platform.machine() != "x86_64":
        pytest.skip("the numbers are those of x86_64")
    ended = await (native if attempt.native else sandbox).run(Code(attempt.code), LIMITS)

    assert ended.reason == attempt.reason, ended
    assert attempt.says in (ended.error or ""), ended
    assert "uid=" not in ended.stdout
    assert "root:" not in ended.stdout + ended.stderr + (ended.error or "")


async def test_the_environment_holds_nothing(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LUMINOUS_MASTER_KEY", "canary-in-the-environment")

    ended = await sandbox.run(Code("import os\nsorted(os.environ)"), LIMITS)

    assert ended.value in ("['LANG']", "['LANG', 'LC_CTYPE']")


async def test_no_descriptor_is_inherited(sandbox: Sandbox, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("canary in a file")
    there = (
        "import os\nfound = []\nfor n in range(300):\n    try: os.get_blocking(n)\n"
        "    except OSError: continue\n    found.append(n)\nfound"
    )
    with secret.open("rb") as held:
        os.set_inheritable(held.fileno(), True)

        ended = await sandbox.run(Code(there), LIMITS)

    assert ended.value == "[1, 2, 3]"


async def test_what_the_code_tells_of_itself_is_not_believed(sandbox: Sandbox) -> None:
    """It can write where its process reports; a process that was ended is not `ok` by that."""
    lie = b'{"reason": "ok", "value": 7, "files": {"a": "%%%", "b": 3}, "lost_files": 4}\n'

    ended = await sandbox.run(Code(f"import os\nos.write(3, {lie!r})\nos.abort()"), LIMITS)
    left = await sandbox.run(Code(f"import os\nos.write(3, {lie!r})\nos._exit(0)"), LIMITS)

    assert (ended.reason, ended.value) == ("crashed", None)
    assert (left.reason, left.value, left.lost_files) == ("ok", None, [])


async def test_two_at_once_do_not_reach_each_other(sandbox: Sandbox) -> None:
    kill = "import os\nfor n in range(os.getpid() - 50, os.getpid() + 50):\n"
    kill += "    try: n == os.getpid() or os.kill(n, 9)\n    except PermissionError: pass\n'tried'"
    work = Code("sum(range(3_000_000))")

    killers, workers = (
        [sandbox.run(Code(kill), LIMITS) for _ in range(2)],
        [sandbox.run(work, LIMITS) for _ in range(2)],
    )
    ended = await asyncio.gather(*killers, *workers)

    assert [each.value for each in ended] == ["'tried'"] * 2 + ["4499998500000"] * 2
