"""The script of the documentation, as a CI runs it: by sh, curl and jq against the service."""

import asyncio
import shutil
from pathlib import Path

import pytest

from tests.agents.evaluations.support import Scholar, evaluation_of, made
from tests.support.chat import Talker, connected
from tests.support.identity import new_key, new_person, until

PAGE = Path(__file__).parents[3] / "docs" / "agents" / "evaluations.md"
CASES = [{"input": "17 * 3", "expected": "51"}, {"input": "2 + 2", "expected": "4"}]
pytestmark = pytest.mark.skipif(
    not (shutil.which("jq") and shutil.which("curl")), reason="needs curl and jq"
)


@pytest.fixture
async def talker(client):
    return Talker(client, await new_person(client))


@pytest.fixture
def script(tmp_path):
    (told,) = [
        block.split("```")[0]
        for block in PAGE.read_text("utf-8").split("```sh\n")[1:]
        if block.startswith("#!/bin/sh")
    ]
    path = tmp_path / "gate.sh"
    path.write_text(told.replace('"wait_seconds": 240', '"wait_seconds": 1'), "utf-8")
    return path


async def run(script, address, evaluation_id, key, commit):
    """Its exit code, and what it said."""
    process = await asyncio.create_subprocess_exec(
        "sh",
        str(script),
        env={
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "BASE": f"{address}/v1",
            "EVALUATION": evaluation_id,
            "LUMINOUS_API_KEY": key,
            "CI_COMMIT": commit,
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, mistakes = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode, said.decode() + mistakes.decode()


async def test_its_exit_code_says_what_the_gate_says(talker, address, script):
    fake = Scholar({"17 * 3": "51", "2 + 2": "4"})
    agent = {"slug": "calculator", "name": "Calculator"}
    agent["definition"] = {"instructions": "Calculate.", "model": "openai/gpt-4.1-mini"}
    async with connected(talker, fake):
        await made(talker, "/v1/agents", agent)
        evaluation = await evaluation_of(
            talker, CASES, [{"name": "exact", "type": "exact"}], thresholds={"min_score": 0.9}
        )
        scopes = ["evaluations:write", "agents:run", "models:invoke"]
        key = (await new_key(talker.http, talker.person, scopes=scopes))["key"]
        code, said = await run(script, address, evaluation["id"], key, "good")
        assert (code, '"score"' in said) == (0, True), said
        # An experiment that takes longer than one answer does.
        fake.holding.clear()
        fake.holds_from = len(fake.asked) + 1
        fake.knows["2 + 2"] = "5"
        later = asyncio.create_task(run(script, address, evaluation["id"], key, "bad"))

        async def is_held():
            return len(fake.asked) >= fake.holds_from

        await until(is_held)
        await asyncio.sleep(1.5)
        assert not later.done(), later.result()
        fake.holding.set()
        code, said = await later
        assert (code, "0.9000 is asked for" in said) == (1, True), said
        code, said = await run(script, address, evaluation["id"], "no-key", "good")
        assert code == 2, said
        assert "authentication" in said or "401" in said, said
