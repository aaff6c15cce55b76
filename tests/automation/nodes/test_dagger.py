"""Contract test of `dagger`: the real SDK against a stub of the session. It runs no containers."""

import sys

import pytest
import pytest_asyncio
from pydantic import SecretStr

from app.automation.nodes.dagger import Dagger
from app.automation.nodes.dagger_engine import Engine
from app.automation.nodes.node_type import StepFault
from tests.support.fakes.dagger import TOKEN, FakeDagger

pytestmark = pytest.mark.asyncio(loop_scope="session")
SETTINGS = {
    "image": "alpine:3",
    "env": {"A": "1"},
    "workdir": "/work",
    "files": {"/srv/in.txt": "hi"},
    "commands": ["echo first", ["cat"]],
    "stdin": " from stdin",
    "outputs": ["/srv/in.txt"],
}
CLI = """#!{python}
import pathlib, sys
print('{{"port": {port}, "session_token": "{token}"}}', flush=True)
sys.stdin.read()
pathlib.Path({ended!r}).touch()
"""


@pytest_asyncio.fixture(loop_scope="session")
async def engine():
    async with FakeDagger() as engine:
        yield engine


def over(steps, settings, **more):
    steps.types["dagger"] = Dagger(Engine(settings.model_copy(update=more)))
    return steps


@pytest.fixture
def running(steps, settings, engine):
    return over(
        steps,
        settings,
        dagger_session_port=engine.port,
        dagger_session_token=SecretStr(TOKEN),
    )


async def test_a_pipeline_is_what_the_settings_say(running, engine):
    given = await running.output("dagger", SETTINGS)

    assert given == {
        "stdout": "cat from stdin",
        "stderr": "",
        "exit_code": 0,
        "files": {"/srv/in.txt": "hi"},
    }
    assert engine.asked == [
        (
            ("from", "alpine:3"),
            ("workdir", "/work"),
            ("env", "A", "1"),
            ("file", "/srv/in.txt", "hi"),
            ("exec", ("sh", "-c", "echo first"), {}),
            ("exec", ("cat",), {"stdin": " from stdin"}),
        )
    ]


async def test_a_step_that_is_not_cached_is_told_from_others(running, engine):
    await running.output("dagger", {"image": "a", "commands": [["x"]], "cached": False})
    (asked,) = engine.asked
    assert ("env", "LUMINOUS_STEP", f"{running.run_id}:step#0") in asked


async def test_a_command_that_fails_is_a_fault_unless_that_is_expected(running):
    failing = {"image": "alpine:3", "commands": [["false"]]}
    fault = await running.fault("dagger", failing)
    assert (fault.code, fault.retryable) == ("exec_failed", False)
    assert fault.detail == {"exit_code": 1, "stdout": "", "stderr": "boom"}
    given = await running.output("dagger", {**failing, "expect": "any"})
    assert given["exit_code"] == 1


async def test_what_else_the_engine_says_is_told(running):
    image = await running.fault("dagger", {"image": "nothing:latest", "commands": [["x"]]})
    path = await running.fault("dagger", {"image": "a", "commands": [["x"]], "outputs": ["/no"]})
    assert (image.code, path.code) == ("dagger_failed", "dagger_failed")
    assert "nothing:latest" in image.message


async def test_without_an_engine_a_definition_is_refused(steps, settings):
    node = over(steps, settings).types["dagger"]
    assert "LUMINOUS_DAGGER_CLI" in await node.missing(steps.access)
    assert await steps.mistakes("dagger", SETTINGS) == {"": "dagger_unavailable"}
    assert (await steps.fault("dagger", SETTINGS)).code == "dagger_unavailable"


async def test_a_session_that_refuses_us_is_no_engine(steps, settings, engine):
    over(
        steps,
        settings,
        dagger_session_port=engine.port,
        dagger_session_token=SecretStr("another"),
    )
    fault = await steps.fault("dagger", SETTINGS)
    assert (fault.code, fault.retryable) == ("dagger_unavailable", True)
    assert engine.refused
    assert "another" not in fault.message


async def test_the_cli_opens_a_session_for_a_step_and_ends_with_it(
    steps, settings, engine, tmp_path
):
    cli, ended = tmp_path / "dagger", tmp_path / "ended"
    cli.write_text(
        CLI.format(python=sys.executable, port=engine.port, token=TOKEN, ended=str(ended))
    )
    cli.chmod(0o700)
    given = await over(steps, settings, dagger_cli=str(cli)).output("dagger", SETTINGS)
    assert (given["stdout"], ended.exists()) == ("cat from stdin", True)


@pytest.mark.parametrize("says", ["echo nothing", "exit 1"])
async def test_a_cli_without_an_engine_is_told(steps, settings, tmp_path, says):
    cli = tmp_path / "dagger"
    cli.write_text(f"#!/bin/sh\n{says}\n")
    cli.chmod(0o700)
    with pytest.raises(StepFault) as fault:
        await over(steps, settings, dagger_cli=str(cli)).given("dagger", SETTINGS)
    assert fault.value.code == "dagger_unavailable"
