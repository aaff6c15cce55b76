"""Instructions: a template language in which nothing runs away."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.agents.definitions.definition import AgentDefinition
from app.agents.definitions.errors import InstructionsFailed, VariablesInvalid
from app.agents.definitions.rendering import render
from app.agents.definitions.templates import TemplateUnfit, names_in, rendered
from app.agents.definitions.wording import from_fast_agent, literal, to_fast_agent

VALUES = {"text": 'a "quoted" text', "list": list(range(1000)), "map": {"k": "v"}, "n": 3}


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{% for i in range(10**9) %}x{% endfor %}", "calls are not part"),
        ("{{ 'a' * 10**9 }}", "multiplication is not part"),
        ("{{ 10 ** 10 ** 8 }}", "powers are not part"),
        ("{{ '%1000000000d' % 1 }}", "`%` is not part"),
        ("{{ text|center(1000000000) }}", "no filter `center`"),
        ("{{ text|replace('a', text) }}", "no filter `replace`"),
        ("{{ list|join(text) }}", "must be a short text"),
        ("{{ map|tojson(indent=1000000000) }}", "takes no arguments"),
        ("{{ text" + "|tojson" * 9 + " }}", "nested too deeply"),
        ("{% set x = text %}", "`set` is not part"),
        ("{% macro m() %}{% endmacro %}", "macros are not part"),
        ("{% include 'other' %}", "not part"),
        ("{% import 'other' as o %}", "not part"),
        ("{{ text.upper() }}", "calls are not part"),
        ("{{ text.__class__.__mro__ }}", "no attribute"),
        ("{{ text.upper }}", "no attribute"),
        ("{{ ''['__class__'] }}", "unsafe"),
        ("{{ unknown }}", "undefined"),
        ("{{ text ", "unexpected end"),
        ("{% if text %}" * 60 + "{% endif %}" * 60, "nested too deeply"),
        ("{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}", "nested too deeply"),
        ("{{ " + "~".join(["text"] * 300) + " }}", "too"),
        ("{{ n }}" * 11_000, "too many parts"),
        (
            "{% for a in list %}{% for b in list %}{% endfor %}{% endfor %}",
            "turn more than 10000 times",
        ),
        (
            "{% for a in list %}{% for b in map %}" + "x" * 300 + "{% endfor %}{% endfor %}",
            "more than 200000 characters",
        ),
    ],
)
def test_what_could_run_away_is_stopped(source, said):
    with pytest.raises(TemplateUnfit, match=said):
        rendered(source, VALUES)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("plain { text }", "plain { text }"),
        ("{{ map.k }} {{ map['k'] }} {{ list[2] }}", "v v 2"),
        ("{% if n > 2 and text %}many{% else %}few{% endif %}", "many"),
        ("{% for k, v in map|items %}{{ loop.index }}{{ k }}={{ v }}{% endfor %}", "1k=v"),
        ("{% for i in list if i < 3 %}{{ i }},{% endfor %}", "0,1,2,"),
        ("{{ ['a', 'b']|join(', ') }} {{ missing|default('none') }}", "a, b none"),
        ("{{ map|tojson }}\n", '{"k": "v"}\n'),
    ],
)
def test_what_instructions_need_is_there(source, said):
    assert rendered(source, VALUES) == said


def test_the_names_of_a_template_are_those_from_outside():
    assert names_in("{{ a }}{% for b in c %}{{ b }}{{ loop.index }}{% endfor %}") == {"a", "c"}


def definition(**fields):
    return AgentDefinition.model_validate(
        {
            "instructions": "{{ agent }} helps {{ who.name }} in {{ locale }} on {{ today }}.",
            "variables": {
                "type": "object",
                "properties": {
                    "who": {
                        "type": "object",
                        "properties": {"name": {"type": "string", "default": "all"}},
                        "default": {},
                    }
                },
                "additionalProperties": False,
            },
            **fields,
        }
    )


def instructions(of, **variables):
    return render(of, variables, agent_name="Ada", today=date(2026, 11, 2))


def test_variables_are_rendered_with_their_defaults():
    assert instructions(definition()) == "Ada helps all in en on 2026-11-02."
    said = instructions(definition(locale="de"), who={"name": "Bob"})
    assert said == "Ada helps Bob in de on 2026-11-02."


@pytest.mark.parametrize(
    ("variables", "pointer"),
    [
        ({"who": {"name": 1}}, "/body/variables/who/name"),
        ({"other": 1}, "/body/variables"),
        ({"who": {"name": "x" * 70_000}}, "/body/variables"),
    ],
)
def test_variables_that_do_not_fit_are_refused(variables, pointer):
    with pytest.raises(VariablesInvalid) as refused:
        instructions(definition(), **variables)
    assert refused.value.errors[0].pointer == pointer


def test_variables_of_an_agent_without_any_are_refused():
    with pytest.raises(VariablesInvalid, match="not declared"):
        instructions(AgentDefinition(instructions="Help."), who=1)


def test_what_is_not_given_and_has_no_default_fails_by_name():
    of = definition(instructions="{{ a }}", variables={"properties": {"a": {"type": "string"}}})
    with pytest.raises(InstructionsFailed, match="'a' is undefined"):
        instructions(of)


def test_a_variable_is_never_a_template_itself():
    said = instructions(definition(), who={"name": "{{ 1 }}{% if %}"})
    assert said.startswith("Ada helps {{ 1 }}{% if %} in")


@given(st.text(st.sampled_from("{}%#' ab\n"), max_size=40))
def test_a_foreign_text_says_exactly_what_it_is(text):
    assert rendered(literal(text), {}) == text


@given(st.lists(st.sampled_from(["{{ today }}", "{{ agent }}", "{{ x }}", "a ", "} b", "\n"])))
def test_placeholders_come_back_from_a_card_as_they_went(pieces):
    template = literal("").join(pieces)
    card, has_more = to_fast_agent(template)
    assert not has_more
    assert from_fast_agent(card)[0] == template


def test_work_within_the_turns_of_a_loop_is_bounded_too():
    source = "{% for n in list %}{% if text|title|length == n %}{% endif %}{% endfor %}"
    values = {"list": list(range(5000)), "text": "ab " * 20_000}
    with pytest.raises(TemplateUnfit, match="too long"):
        rendered(source, values)
