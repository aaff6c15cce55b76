"""Trying a template out: a model answers what it says."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import orjson

from app.agents.definitions.json_schemas import mistakes
from app.agents.definitions.rendering import render as render_instructions
from app.agents.templates import crud, filling, using
from app.agents.templates import variables as variable
from app.agents.templates.asking import Asked, ask
from app.agents.templates.body import AgentBody, PromptBody, WorkflowBody
from app.agents.templates.content import Content
from app.agents.templates.maker import Makers
from app.agents.templates.schemas import TemplatePreview
from app.agents.templates.using import Used
from app.core.auth import Access
from app.core.clock import now
from app.core.db import Database
from app.core.ids import new_id
from app.inference.calls.calls import Calls
from app.inference.usage.payer import payer_of

PURPOSE: Final = "template_preview"


@dataclass(frozen=True, slots=True)
class Tasting:
    """What templates are tried out with."""

    database: Database
    calls: Calls
    makers: Makers


async def preview(
    tasting: Tasting, access: Access, template_id: UUID, wanted: TemplatePreview
) -> dict[str, Any]:
    """The fields of a TemplatePreviewed; no transaction is open while the model answers.

    Raises what rendering and asking a model raise.
    """
    async with tasting.database.unit(access.scope) as session:
        used = await using.taken(session, access, template_id, wanted)
    if isinstance(used.content.body, WorkflowBody):
        told = await _looked_over(tasting.makers, access, used.content.body, used.values)
    else:
        told = await _answered(tasting.calls, access, used, wanted)
    async with tasting.database.unit(access.scope) as session:
        await crud.count_use(session, access.workspace_id, used.version.id, "previews")
    return {"template_id": used.template.id, "version": used.version.number, **told}


async def _looked_over(
    makers: Makers, access: Access, body: WorkflowBody, values: Mapping[str, Any]
) -> dict[str, Any]:
    definition = filling.fill_flow(body.workflow, values)
    plan = await makers.workflows.plan(access, definition, "/definition")
    return {
        "messages": [],
        "answer": None,
        "model": None,
        "finish_reason": None,
        "input_tokens": 0,
        "output_tokens": 0,
        "cost_usd": Decimal(0),
        "valid": not plan.errors,
        "definition": plan.definition,
        "errors": plan.errors,
        "warnings": plan.warnings,
    }


async def _answered(
    calls: Calls, access: Access, used: Used, wanted: TemplatePreview
) -> dict[str, Any]:
    asked = question_of(used.content, used.values, wanted.input, used.template.name)
    asked = _as_wanted(asked, wanted)
    answered = await ask(calls, payer_of(access, PURPOSE, new_id()), access, asked)
    return {
        "messages": asked.messages,
        "answer": answered.text,
        "model": answered.model,
        "finish_reason": answered.finish_reason,
        "input_tokens": answered.total.input_tokens,
        "output_tokens": answered.total.output_tokens,
        "cost_usd": answered.cost_usd,
        "valid": fits(asked.schema, answered.text),
        "definition": None,
        "errors": [],
        "warnings": [],
    }


def _as_wanted(asked: Asked, wanted: TemplatePreview) -> Asked:
    return replace(
        asked, model=wanted.model or asked.model, max_output_tokens=wanted.max_output_tokens
    )


def question_of(content: Content, values: Mapping[str, Any], said: str, name: str) -> Asked:
    """What a model is asked to try a template out: of an agent its instructions, without tools.

    Raises TemplateVariablesInvalid, and TypeError for a workflow, which asks nothing itself.
    """
    body = content.body
    if isinstance(body, PromptBody):
        messages = using.said_by(body, values)
        model, schema, parameters = body.model, body.output_schema, body.parameters
    elif isinstance(body, AgentBody):
        definition = using.defined(body.definition, values)
        own = variable.stand_ins(definition.variables or {})
        told = render_instructions(definition, own, agent_name=name, today=now().date())
        messages = [{"role": "system", "content": told}] if told else []
        model, schema = definition.model, definition.output_schema
        parameters = definition.parameters
    else:
        raise TypeError(body)
    if said or not any(each["role"] == "user" for each in messages):
        messages = [*messages, {"role": "user", "content": said or "Hello."}]
    return Asked(messages, model, schema, parameters)


def fits(schema: Mapping[str, Any] | None, answer: str) -> bool | None:
    """Whether an answer satisfies its schema; None where there is none."""
    if schema is None:
        return None
    try:
        return not mistakes(schema, orjson.loads(answer), "")
    except orjson.JSONDecodeError:
        return False
