"""Every cell of docs/gateway/conformance.md is what a run gives."""

import pytest

from tests.conformance import table
from tests.conformance.case import DIALECTS, SDKS, UPSTREAMS
from tests.conformance.cases import CASES
from tests.conformance.running import run

HERE = [(case, dialect) for case in CASES for dialect in DIALECTS if dialect in case.asks]
every_cell = pytest.mark.parametrize(
    ("case", "dialect", "upstream"),
    [
        pytest.param(case, dialect, upstream, id=f"{case.name}-{dialect}-{upstream}")
        for case, dialect in HERE
        for upstream in UPSTREAMS
    ],
)
# google-genai subclasses aiohttp's session, and `error` would make that ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession")


@pytest.fixture(scope="session")
def page():
    return table.committed()


@every_cell
@pytest.mark.usefixtures("pings")
async def test_the_python_sdk(request, case, dialect, upstream, python, workspace_of, noted):
    cell = await run(case, dialect, upstream, python, await workspace_of(case, dialect, "py"))
    hold(request, noted, (case.name, dialect, "python", upstream), cell)


@every_cell
@pytest.mark.usefixtures("pings")
async def test_the_javascript_sdk(
    request, case, dialect, upstream, javascript, workspace_of, noted
):
    cell = await run(case, dialect, upstream, javascript, await workspace_of(case, dialect, "js"))
    hold(request, noted, (case.name, dialect, "javascript", upstream), cell)


def hold(request, noted, key, cell):
    """Note the cell for the page, or hold it to what the page says."""
    if noted is not None:
        noted[key] = cell
    else:
        page = request.getfixturevalue("page")
        assert cell == page[key]
    assert cell.state != "fails", cell.sentence


def test_the_page_has_every_cell_and_none_that_fails(page, noted):
    if noted is not None:
        pytest.skip("the page is being rewritten")
    expected = {
        (case.name, dialect, sdk, upstream)
        for case, dialect in HERE
        for sdk in SDKS
        for upstream in UPSTREAMS
    }
    assert set(page) == expected
    assert {cell.state for cell in page.values()} == {"passes", "refused"}


def test_the_page_is_written_as_it_is_read(page, noted):
    if noted is not None:
        pytest.skip("the page is being rewritten")
    assert table.rendered(page) == table.PAGE.read_text(encoding="utf-8")
