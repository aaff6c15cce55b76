"""CEL as workflows have it: values, readable refusals, and nothing that runs away."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.automation.language.cel.budget import Budget
from app.automation.language.cel.parts import Reader, free_chains
from app.automation.language.cel.running import Program, checked
from app.automation.language.cel.tokens import tokens_of
from app.automation.language.cel.values import Missing
from app.automation.language.expressions import ExpressionUnfit, compiled, evaluate
from app.automation.language.faults import StepFault

ROWS = [{"sku": f"s{number}", "price": number, "tags": ["a"]} for number in range(2000)]
NAMES = {
    "inputs": {"n": 3, "text": "abc", "user": None, "strange key": 1, "deep": "[" * 99 + "]" * 99},
    "nodes": {
        "rows": {"output": {"items": ROWS, "first": ROWS[0]}, "status": "ok"},
        "big": {"output": "x" * 1_000_000},
    },
    "item": {"sku": "s1"},
}


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("nodes.rows.output.items[1].price", 1),
        ('inputs["strange key"] + inputs.n', 4),
        ("nodes.rows.status == 'ok' && has(nodes.rows.output.first.sku)", True),
        ("has(nodes.skipped)", False),
        ("nodes.rows.output.items.filter(r, r.price > 1997).map(r, r.sku)", ["s1998", "s1999"]),
        ("nodes.rows.output.items.map(r, r.price > 1998, {'id': r.sku})", [{"id": "s1999"}]),
        ("nodes.rows.output.items.map(r, r.price).sum()", 1_999_000),
        ("[3, 1].map(x, [1, 2].map(y, x * y + inputs.n))", [[6, 9], [4, 5]]),
        ("(nodes.rows.output.first.tags + ['b']).exists(t, t == 'b')", True),
        ("[0, 1].exists(x, 1 / x == 1)", True),
        ("[1, 1].exists_one(x, x == 1)", False),
        ("{'b': 1, 'a': 2}.map(k, k)", ["a", "b"]),
        ("[{'inputs': 7}].map(inputs, inputs.inputs)", [7]),
        ("size('ab'.split('')) == 2 ? math.round(1.5) : 0.0", 2.0),
        ("json.decode(json.encode({'b': 1, 'a': [null]})).a", [None]),
        ("timestamp('2026-01-01T00:00:00Z') + duration('36h')", "2026-01-02T12:00:00Z"),
        ("duration('90m')", "5400s"),
        # In Berlin, summer time begins at 01:00 UTC on that Sunday.
        ("timestamp('2026-03-29T00:59:00Z').getHours('Europe/Berlin')", 1),
        ("timestamp('2026-03-29T01:00:00Z').getHours('Europe/Berlin')", 3),
        ("timestamp('2026-03-29T23:30:00Z').getDayOfWeek('Europe/Berlin')", 1),
        ("timestamp('2025-12-31T20:00:00Z').getFullYear('+05:30')", 2026),
        ("timestamp('2026-01-01T04:00:00Z').getMonth('-05:00')", 11),
        ("{1: b'hi'}", {"1": "aGk="}),
        ("'a.map(x, ' + \"y)\" // .map(\n + '!'", "a.map(x, y)!"),
        ("[3, 1, 3].distinct().sort()", [1, 3]),
        ("inputs.n * 1.5", 4.5),
        ("inputs.n * 2.0 + size(inputs.text)", 9),
        ("[inputs.n, 1][0] / 2 + 0.5", 2),
        ("nodes.rows.output.items.map(r, r.price).slice(0, 3).map(p, p * 0.5)", [0, 0.5, 1]),
        ("nodes.rows.output.items.map(r, r.price).sum() * 0.5", 999_500),
        ("int('3') * 1.5 + int(inputs.n)", 7.5),
        ("int('-7') / 2.0 + int(2.9)", -1.5),
        ("7 / 2", 3),
        ("'a1'.matches('^[a-z][0-9]$')", True),
    ],
)
def test_gives(source, value):
    assert evaluate(source, NAMES) == value


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("nodes.lost.output", "`nodes` has no `lost`"),
        ("nodes.rows.output.itmes.size()", "`nodes.rows.output` has no `itmes`"),
        ("inputs.user.email + '!'", "`inputs.user` is null: it has no `email`"),
        ("nodes.rows.output.items[5000]", "has 2000 items, so no [5000]"),
        ("nodes.rows.output.items.map(r, r.prise)", "`r` has no `prise`"),
        ("inputs.text * 2", "there is no string * int"),
        ("inputs.text.substring('x')", "`substring(…)` does not take such values"),
        ("inputs.user + 1", "(`inputs.user` is null)"),
        ("last + 1", "there is no `last` here"),
        ("inputs.n.map(x, x)", "`map` wants a list, and is given a number"),
        ("[1].filter(x, x)", "wants true or false, and its condition gives a number"),
        ("size(null)", "`size(…)` does not take such values"),
        ("1 / 0", "divides by zero"),
        ("0.0 / 0.0", "not a number"),
        ("'a'.matches('((')", "not one of RE2"),
        ("timestamp('2026-01-01T04:00:00Z').getHours('Mars')", "no time zone `Mars`"),
        ("timestamp('2026-01-01')", "a moment with its offset"),
        ("duration('1d')", "as `36h` or `1h30m`"),
        ("int('12x')", "a whole number"),
        ("int('1_2') * 0.5", "a whole number"),
    ],
)
def test_says_what_went_wrong(source, said):
    with pytest.raises(StepFault) as raised:
        evaluate(source, NAMES)
    assert raised.value.code == "expression_failed"
    assert said in raised.value.message


@pytest.mark.parametrize(
    "source",
    [
        "1 +",
        "now()",
        "foo(1)",
        ".inputs.n",
        "1 in .inputs",
        "Thing{a: 1}",
        "[1].map(int, int)",
        "[1].map(x, 1, 2, 3)",
        "inputs.`n`",
        "(" * 900 + "1" + ")" * 900,
        "1 + " * 600 + "1",
        "[1].map(a, [1].map(b, [1].map(c, 1)))",
        "[1]" + ".map(x, x)" * 11,
    ],
)
def test_is_not_read(source):
    with pytest.raises(ExpressionUnfit):
        compiled(source)


ROOT = "nodes.rows.output.items"
DOUBLED = "[inputs.text]" + ".map(x, x + x)" * 9


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (f"{ROOT}.map(a, {ROOT}.map(b, a.price + b.price))", "turn more than"),
        (f"{ROOT}.map(a, nodes.rows.output)", "too large"),
        (f"{ROOT}.map(a, nodes.big.output + '!')", "too large"),
        (" + ".join(["nodes.big.output"] * 100), "too large"),
        (f"[{', '.join(['nodes.big.output'] * 100)}]", "too large"),
        (f"[nodes.big.output]{'.map(x, x + x + x + x)' * 5}", "too large"),
        ("nodes.big.output.replace('x', nodes.big.output)", "grows beyond"),
        (f"[{DOUBLED}].map(x, nodes.big.output).join(nodes.big.output)", "grows beyond"),
        ("lists.range(1000000)", "at most"),
        ("json.decode(inputs.deep)", "nested deeper"),
        ("nodes.big.output.split('')", "more than"),
        ("'a'.matches('((a{0,999}){0,999}){0,999}')", "too large"),
        ("9223372036854775807 + inputs.n", "too large"),
    ],
)
def test_nothing_runs_away(source, said):
    with pytest.raises(StepFault) as raised:
        evaluate(source, NAMES)
    assert said in raised.value.message


WORDS = st.sampled_from(
    ["a", "b", "nodes", ".x", '["k"]', "[0]", ".map(v, ", ".filter(a, ", ")", "(", "+", "==", "1",
     "'t'", '"}{"', 'r"\\"', "{", "}", "'k': ", "?", ":", " ", "has(", "size(", ",", "[", "]", "v",
     "!", " in ", "// c\n", "'''", "\\"]
)  # fmt: skip


@given(st.lists(WORDS, max_size=14).map("".join))
def test_sees_every_name_that_the_engine_sees(source):
    try:
        native = checked(source)
        part = Reader().part(tokens_of(source))
    except ExpressionUnfit:
        return
    own = {token.text for token in tokens_of(source) if token.kind == "name"}
    free = {chain[0] for chain in free_chains(part)}
    assert set(native.variables()) <= own
    assert set(native.variables()) - {"v", "a"} <= free | {"int", "string"}
    Program(part)  # its other form can be read, too


# NUL is the one character that does not stay: Postgres cannot hold it.
TEXT = st.text(st.characters(exclude_characters="\x00", codec="utf-8"), max_size=4)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner),
    max_leaves=8,
)


CHAINS = st.sampled_from(
    ["inputs.n", "inputs.text", "inputs.user", 'inputs["strange key"]', "nodes.rows.status", "item",
     "inputs . n", "item.sku", "inputs", "inputs.lost", "lost", "nodes.rows.output.first.tags",
     "inputs.n[0]", "inputs.text.size()", "has(item.sku)", "size(item)", "'s1'", "2", "1.5"]
)  # fmt: skip
OPERATORS = st.sampled_from(["+", "-", "==", "!=", "<", "&&", "||", "in", "?"])


@given(CHAINS, st.lists(st.tuples(OPERATORS, CHAINS), min_size=1, max_size=4))
def test_values_in_place_of_chains_give_what_the_chains_give(first, rest):
    source = first
    for operator, chain in rest:
        source += f" ? {chain} : {first}" if operator == "?" else f" {operator} {chain}"
    quick, slow = (Program(Reader().part(tokens_of(source))) for _ in range(2))
    slow._flat = None

    def told(program):
        try:
            return program.value(NAMES, Budget())
        except (ExpressionUnfit, Missing) as error:
            return str(error)

    assert told(quick) == told(slow)


@given(JSON)
def test_a_value_goes_through_the_engine_unchanged(value):
    assert evaluate("[inputs.v][0]", {"inputs": {"v": value}}) == value
    assert evaluate("inputs.v == inputs.w", {"inputs": {"v": value, "w": value}}) is True
