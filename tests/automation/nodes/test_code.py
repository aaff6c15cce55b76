"""`code`: Python over JSON in the agents' sandbox."""

import pytest

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
