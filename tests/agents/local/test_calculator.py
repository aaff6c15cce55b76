"""Arithmetic, exactly and within bounds."""

from uuid import uuid4

import pytest

from app.agents.tools.local.calculator import Calculator, calculate, written
from app.agents.tools.tool import ToolContext, ToolFault
from app.core.auth import Access

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("1 + 2 * 3", "7"),
        ("0.1 + 0.2", "0.3"),
        ("1.005 * 1000", "1005"),
        ("2 ** 100", "1267650600228229401496703205376"),
        ("2^10", "1024"),
        ("10 / 4", "2.5"),
        ("9 / 3", "3"),
        ("-7 // 2", "-4"),
        ("-7 % 3", "2"),
        ("7.5 % 2", "1.5"),
        ("(3 + 4) * -2", "-14"),
        ("round(1299.99 * 1.19, 2)", "1546.99"),
        ("round(2.5)", "3"),
        ("round(1234, -2)", "1200"),
        ("sqrt(144)", "12"),
        ("factorial(25)", "15511210043330985984000000"),
        ("comb(49, 6)", "13983816"),
        ("log10(1000)", "3"),
        ("log(8, 2)", "3"),
        ("ln(e)", "1"),
        ("mean(1, 2, 4)", "2.3333333333333333333333333333333333333333333333333"),
        ("max(1, 2.5, 2)", "2.5"),
        ("gcd(84, 36)", "12"),
        ("sin(0)", "0"),
        ("1e-3", "0.001"),
        ("7 ** 300 // 7 ** 299", "7"),
        ("0.12345678901234567890123 * 1", "0.12345678901234567890123"),
        ("1_000 * 3", "3000"),
    ],
)
async def test_it_calculates(expression, result):
    assert written(calculate(expression)) == result


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("1 / 0", "divides by zero"),
        ("1 % 0", "divides by zero"),
        ("5.0 // 0", "divides by zero"),
        ("9 ** 9 ** 9", "exponent"),
        ("10 ** 1000 * 10 ** 1000 * 10 ** 1000", "digits"),
        ("factorial(10000)", "factorial goes"),
        ("comb(10**6, 5)", "go from 0"),
        ("sqrt(-1)", "no value"),
        ("ln(0)", "no value"),
        ("1 << 60", "Bits"),
        ("x + 1", "`x` is unknown"),
        ("open('x')", "`open` is unknown"),
        ("__import__('os').system('id')", "not arithmetic"),
        ("().__class__", "not arithmetic"),
        ("[1, 2]", "not arithmetic"),
        ("lambda: 1", "not arithmetic"),
        ("'a' * 10", "no number"),
        ("True + 1", "no number"),
        ("2j", "no number"),
        ("1 +", "no arithmetic expression"),
        ("", "no arithmetic expression"),
        ("(" * 300 + "1" + ")" * 300, "no arithmetic expression"),
        ("-" * 900 + "1", "nested too deeply"),
        ("round(1, 10**9)", "places"),
        ("round(1.5, 1.5)", "whole numbers"),
        ("1e9999999999", "no value"),
        ("exp(10**9)", "no value"),
        ("tan(1e400)", "no value"),
    ],
)
async def test_what_it_does_not_calculate_is_said(expression, says):
    with pytest.raises(ToolFault) as fault:
        calculate(expression)

    assert fault.value.code == "cannot_calculate"
    assert says in fault.value.message


async def test_the_tool_answers_with_text_and_data():
    access = Access(uuid4(), uuid4(), frozenset(), "session", uuid4())
    tool = await Calculator().open(access, {})

    outcome = await tool.call(ToolContext(access, uuid4(), "1", "k"), {"expression": "6 * 7"})

    assert (outcome.text, outcome.data) == ("42", {"result": "42"})


@pytest.mark.parametrize("expression", ["~" * 900 + "1", "-" * 900 + "1", "not " * 240 + "1"])
async def test_what_is_nested_without_end_has_no_value(expression):
    with pytest.raises(ToolFault) as fault:
        calculate(expression)
    assert fault.value.code == "cannot_calculate"


async def test_a_long_sum_has_a_value():
    assert calculate("+".join(["1.5"] * 200)) == 300
    assert calculate("round(10**60 + 1)") == 10**60 + 1
