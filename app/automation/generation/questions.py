"""What a model is asked for each kind of help: the same however often a run is taken up."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from app.agents.runtime.forms import strings_in
from app.agents.templates.asking import Asked
from app.automation.generation import wording
from app.automation.generation.describing import told
from app.automation.generation.drafting import Checker
from app.automation.generation.guarding import AT, rules_of
from app.automation.generation.schemas import GenerationContext
from app.automation.generation.suggest_schemas import AutomationsWanted, NextNodesWanted
from app.automation.generation.surroundings import Surroundings, Workbench, surroundings
from app.automation.language.checks.form import read
from app.automation.language.flow import MOST_NODES
from app.core.auth import Access
from app.core.errors import FieldError

MOST_DRAFTED: Final = 16_000
MOST_SUGGESTED: Final = 8000
MOST_TOLD: Final = 20


async def draft(
    workbench: Workbench, access: Access, wish: Mapping[str, Any]
) -> tuple[Asked, Checker]:
    """To write a definition or to mend one, and how the answer is looked at."""
    said: str = wish["description"]
    context = GenerationContext.model_validate(wish["context"])
    around = await surroundings(workbench, access, context, said)
    limits = wish["limits"]
    filled = _filled(around, wish["allow"], limits["nodes"], wish["locale"])
    if wish["task"] == "generate":
        system, schema = wording.GENERATE.format(**filled), wording.GENERATED
        user = wording.material(description=said)
    else:
        system, schema = wording.REPAIR.format(**filled), wording.REPAIRED
        user = wording.material(
            definition=_json(wish["definition"]), evidence=_json(wish["evidence"]), wish=said
        )
    before = wish["definition"]
    base = None if before is None else read(before, AT)[0]
    rules = rules_of(around, wish["allow"], limits["nodes"], said)
    checker = Checker(workbench, access, rules, base, frozenset(strings_in(before)))
    return _asked(wish["model"], system, user, schema, MOST_DRAFTED), checker


def mending(asked: Asked, answer: str, mistakes: Sequence[FieldError]) -> Asked:
    """The same question with an answer to it, and what is wrong with that."""
    lines = "\n".join(f"- {each.pointer}: {each.detail}" for each in mistakes[:MOST_TOLD])
    messages: Sequence[Mapping[str, str]] = [
        *asked.messages,
        {"role": "assistant", "content": answer or "{}"},
        {"role": "user", "content": wording.MEND.format(mistakes=lines)},
    ]
    return Asked(messages, asked.model, asked.schema, max_output_tokens=MOST_DRAFTED)


async def next_nodes(
    workbench: Workbench, access: Access, wanted: NextNodesWanted, after: str
) -> tuple[Asked, Surroundings]:
    around = await surroundings(workbench, access, wanted.context, wanted.goal)
    filled = _filled(around, wanted.allow, MOST_NODES, wanted.locale)
    system = wording.SUGGEST.format(most=wanted.limit, **filled)
    user = wording.material(
        definition=_json(wanted.definition), it_goes_on_after=after, goal=wanted.goal
    )
    return _asked(wanted.model, system, user, wording.SUGGESTED, MOST_SUGGESTED), around


def words(wanted: AutomationsWanted, automations: Sequence[Mapping[str, Any]]) -> Asked:
    """Names and reasons for what was counted."""
    shown = [{name: each[name] for name in ("id", "kind", "name", "why")} for each in automations]
    system = wording.WORD.format(locale=wanted.locale)
    user = wording.material(automations=_json(shown))
    return _asked(wanted.model, system, user, wording.WORDED, MOST_SUGGESTED)


def _filled(around: Surroundings, allow: Sequence[str], nodes: int, locale: str) -> dict[str, Any]:
    return {
        "allowed": ", ".join(allow) or "nothing of the kind",
        "nodes": nodes,
        "locale": locale,
        "language": told(around),
    }


def _asked(
    model: str | None, system: str, user: str, schema: Mapping[str, Any], most_output: int
) -> Asked:
    messages = [{"role": "system", "content": system}, {"role": "user", "content": user}]
    return Asked(messages, model, schema, max_output_tokens=most_output)


def _json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
