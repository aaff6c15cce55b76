"""`code`: Python over JSON in the agents' sandbox."""

import pytest

from app.agents.sandbox.limits import CodeLimits
from app.agents.sandbox.sandbox import Sandbox
from app.automation.nodes.code import CodeNode

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_what_stands_in_result_is_given(steps):
    code = "print('adding')\nresult = {'sum': sum(data['n']), 'text': 'ä\\x00'}"
    given = await steps.output("code", {"code": code, "data": {"n": [1, 2, 3]}})
    assert given == {"sum": 6, "text": "ä\ufffd"}
    assert steps.logs == ["adding"]
    assert await steps.output("code", {"code": "x = 1"}) is None


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("result = 1 / 0", "code_error"),
        ("result = {1, 2}", "code_error"),
        ("while True: pass", "code_timeout"),
        ("result = 'x' * 3_000_000", "code_output"),
    ],
)
async def test_what_goes_wrong_has_a_code(steps, code, fault):
    found = await steps.fault("code", {"code": code, "seconds": 1})
    assert (found.code, found.retryable) == (fault, False)


async def test_a_traceback_names_the_codes_own_line(steps):
    found = await steps.fault("code", {"code": "a = 1\nb = a.nothing"})
    assert "has no attribute 'nothing'" in found.message
    assert "line 2" in found.detail["traceback"]


async def test_mistakes_are_found_before_a_run(steps):
    assert await steps.mistakes("code", {"code": "result = ("}) == {"/code": "code_invalid"}
    braces = {"code": "result = [{'a': {'b': 1}}, f'{{data}}']"}
    assert await steps.mistakes("code", braces) == {}
    assert await steps.mistakes("code", {"code": "result = 1"}) == {}
    assert await steps.types["code"].missing(steps.access) is None


async def test_all_code_of_a_definition_is_read_in_one_process(steps):
    class Counting(Sandbox):
        ran = 0

        async def run(self, code, limits=None):
            self.ran += 1
            return await super().run(code, limits)

    sandbox = Counting()
    codes = ["result = 1", "result = (", *(f"result = {n}" for n in range(198)), "x = 1\ny = = 2"]
    found = await CodeNode(sandbox).mistakes_of(steps.access, [{"code": each} for each in codes])
    wrong = {place: each[0].detail for place, each in enumerate(found) if each}
    assert wrong == {1: "line 1: '(' was never closed", 200: "line 2: invalid syntax"}
    assert sandbox.ran == 1


async def test_sound_code_is_not_blamed_where_all_of_it_takes_too_long(steps):
    class Hasty(Sandbox):
        async def run(self, code, limits=None):
            return await super().run(code, CodeLimits(seconds=10, cpu_seconds=1))

    heavy = "[" + "f(a, b, c)," * 20_000 + "]\n"
    codes = [{"code": f"x = {n}\ny = {heavy}"} for n in range(30)]
    node = CodeNode(Hasty())
    found = [each[0] for each in await node.mistakes_of(steps.access, codes) if each]
    assert [each.code for each in found] == ["code_invalid"]
    assert found[0].detail.startswith("To check all code of the definition took longer than")
    assert await node.mistakes(steps.access, codes[-1]) == []


@pytest.mark.parametrize("deep", ["-" * 90_000 + "1", "(" * 300 + "1", "1" + "+1" * 45_000])
async def test_code_that_cannot_be_compiled_does_not_hide_whose_it_is(steps, deep):
    settings = [{"code": "result = 1"}, {"code": deep}, {"code": "result = 2"}]
    found = await steps.types["code"].mistakes_of(steps.access, settings)
    assert [len(each) for each in found] == [0, 1, 0]
