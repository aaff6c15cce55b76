"""Contract tests of the templates with containers: the real SDK against a stub of the session.

No container is run: what a template asks of the engine is checked, and what is made of the answer.
"""

import asyncio
import sys

import pytest
import pytest_asyncio
from pydantic import SecretStr

from tests.automation.templates.conftest import bench, shop, studio  # noqa: F401 - fixtures
from tests.support.fakes.dagger import TOKEN, FakeDagger

pytestmark = pytest.mark.asyncio(loop_scope="session")
PACK = "workflow-patterns"


@pytest_asyncio.fixture(loop_scope="session")
async def engine(app):
    """The service's own node type, within a session."""
    own = app.state.automation.nodes.find("dagger")._engine
    settings = own._settings
    async with FakeDagger() as fake:
        own._settings = settings.model_copy(
            update={"dagger_session_port": fake.port, "dagger_session_token": SecretStr(TOKEN)}
        )
        try:
            yield fake
        finally:
            own._settings = settings


async def test_contract_of_a_projects_tests(studio, engine):  # noqa: F811
    workflow = await studio.make(PACK, "container-tests", install="true", test="pytest -q")
    run = await studio.run(workflow, {"files": {"test_it.py": "def test_it(): pass"}})
    assert run["status"] == "completed", run["error"]
    assert run["output"] == {"passed": True, "said": "sh -c pytest -q"}
    (asked,) = engine.asked
    assert asked == (
        ("from", "python:3.13-slim"),
        ("workdir", "/work"),
        ("file", "test_it.py", "def test_it(): pass"),
        ("exec", ("sh", "-c", "true"), {}),
        ("exec", ("sh", "-c", "pytest -q"), {"expect": "ANY"}),
    )


async def test_contract_of_rows_in_and_out(studio, engine):  # noqa: F811
    engine.written = {"/srv/rows.json": '[{"id": 1}]'}
    workflow = await studio.make(PACK, "container-data")
    run = await studio.run(workflow, {"rows": [{"id": 1}, None]})
    assert run["status"] == "completed", run["error"]
    assert run["output"] == {"rows": [{"id": 1}]}
    (asked,) = engine.asked
    assert asked[1][:2] == ("file", "/srv/process.py")
    assert asked[2][2]["stdin"] == '[{"id":1},null]'


async def test_the_script_that_is_shipped_does_what_it_says(studio, tmp_path):  # noqa: F811
    """In a process here: it writes the rows that are left to the file that the step gives."""
    workflow = await studio.office.post(
        f"/v1/templates/{await studio.template(PACK, 'container-data')}/preview"
    )
    definition = workflow["definition"]
    (path,) = definition["nodes"][0]["with"]["outputs"]
    out = tmp_path / "rows.json"
    script = definition["vars"]["script"].replace(path, str(out))
    assert str(out) in script
    done = await _python(script, b'[{"id": 1}, null, {"id": 2}]')
    assert (done, out.read_text()) == (0, '[{"id": 1}, {"id": 2}]')


async def _python(script, given):
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, stdin=asyncio.subprocess.PIPE
    )
    await process.communicate(given)
    return process.returncode
