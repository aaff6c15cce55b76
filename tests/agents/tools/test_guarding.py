"""Every call of a tool: its arguments are checked, its time and its output bounded."""

import asyncio
from uuid import uuid4

import pytest

from app.agents.tools.guarding import bounded, called, expect_valid
from app.agents.tools.tool import Outcome, ToolContext, ToolFault, ToolTraits
from app.core.auth import Access, Permission
from app.core.errors import NotFound
from tests.support.agents import Recording

ACCESS = Access(uuid4(), uuid4(), frozenset({Permission.AGENTS_RUN}), "session", uuid4())
CONTEXT = ToolContext(ACCESS, uuid4(), "call-1", "key-1")


class Waits(Exception):
    pass


@pytest.mark.parametrize(
    ("schema", "arguments", "code"),
    [
        ({"required": ["q"]}, {}, "invalid_arguments"),
        ({}, ["q"], "invalid_arguments"),
        ({"$ref": "http://169.254.169.254/schema"}, {}, "invalid_tool"),
        ({"type": "objekt"}, {}, "invalid_tool"),
    ],
)
def test_arguments_that_do_not_fit_are_a_fault(schema, arguments, code):
    with pytest.raises(ToolFault) as fault:
        expect_valid(Recording("look", parameters=schema), arguments)
    assert fault.value.code == code


def test_all_mistakes_are_told_up_to_a_few():
    schema = {"properties": {str(n): {"type": "string"} for n in range(9)}}
    with pytest.raises(ToolFault) as fault:
        expect_valid(Recording("look", parameters=schema), {str(n): n for n in range(9)})
    assert fault.value.message.count("; ") == 4
    assert "/0: " in fault.value.message


@pytest.mark.parametrize(
    ("failure", "code", "said"),
    [
        (ToolFault("torn", "The page is torn."), "torn", "torn"),
        (NotFound("There is no page."), "not_found", "no page"),
        (RuntimeError("a secret"), "internal_error", "log"),
    ],
)
async def test_what_fails_is_a_fault_that_says_no_secret(failure, code, said):
    with pytest.raises(ToolFault) as fault:
        await called(Recording("look", answer=failure), CONTEXT, {})
    assert (fault.value.code, said in fault.value.message) == (code, True)
    assert "a secret" not in fault.value.message


async def test_it_ends_in_time_and_needs_its_permissions():
    slow = ToolTraits("read", seconds=0.01)
    with pytest.raises(ToolFault) as fault:
        await called(Recording("look", slow, answer=lambda _: asyncio.sleep(60)), CONTEXT, {})
    assert fault.value.code == "timeout"
    writes = ToolTraits("write", scopes=frozenset({Permission.TOOLS_WRITE}))
    tool = Recording("save", writes)
    with pytest.raises(ToolFault) as fault:
        await called(tool, CONTEXT, {})
    assert (fault.value.code, tool.calls) == ("forbidden", [])


async def test_what_is_passing_goes_on():
    with pytest.raises(Waits):
        await called(Recording("look", answer=Waits()), CONTEXT, {}, passing=(Waits,))


def test_output_is_cut_and_the_cut_is_told():
    cut = bounded(Outcome("x" * 1000, {"at": uuid4()}, ({"n": 1},)), 100)
    assert cut.text == "x" * 100 + "\n[… 900 more characters were left out]"
    assert (type(cut.data["at"]), cut.sources) == (str, ({"n": 1},))
    assert bounded(Outcome("short", ["x" * 1000]), 100) == Outcome("short")
