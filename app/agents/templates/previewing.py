"""Trying a template out: a model answers what it says."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

import orjson

from app.agents.definitions.json_schemas import mistakes
from app.agents.definitions.rendering import render as render_instructions
from app.agents.templates import crud, using
from app.agents.templates import variables as variable
from app.agents.templates.asking import Asked, ask
from app.agents.templates.body import AgentBody, PromptBody
from app.agents.templates.content import Content
from app.agents.templates.errors import WorkflowEngineMissing
from app.agents.templates.schemas import TemplatePreview
from app.core.auth import Access
from app.core.clock import now
from app.core.db import Database
from app.core.ids import new_id
from app.inference.calls.calls import Calls
from app.inference.usage.payer import payer_of

PURPOSE: Final = "template_preview"


async def preview(
    database: Database, calls: Calls, access: Access, template_id: UUID, wanted: TemplatePreview
) -> dict[str, Any]:
    """The fields of a TemplatePreviewed; no transaction is open while the model answers.

    Raises WorkflowEngineMissing, and what rendering and asking a model raise.
    """
    async with database.unit(access.scope) as session:
        used = await using.taken(session, access, template_id, wanted)
    asked = question_of(used.content, used.values, wanted.input, used.template.name)
    asked = _as_wanted(asked, wanted)
    payer = payer_of(access, PURPOSE, new_id())
    answered = await ask(calls, payer, access, asked)
    async with database.unit(access.scope) as session:
        await crud.count_use(session, access.workspace_id, used.version.id, "previews")
    return {
        "template_id": used.template.id,
        "version": used.version.number,
        "messages": asked.messages,
        "answer": answered.text,
        "model": answered.model,
        "finish_reason": answered.finish_reason,
        "input_tokens": answered.total.input_tokens,
        "output_tokens": answered.total.output_tokens,
        "cost_usd": answered.cost_usd,
        "valid": fits(asked.schema, answered.text),
    }


def _as_wanted(asked: Asked, wanted: TemplatePreview) -> Asked:
    return replace(
        asked, model=wanted.model or asked.model, max_output_tokens=wanted.max_output_tokens
    )


def question_of(content: Content, values: Mapping[str, Any], said: str, name: str) -> Asked:
    """What a model is asked to try a template out: of an agent its instructions, without tools.

    Raises WorkflowEngineMissing and TemplateVariablesInvalid.
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
        raise WorkflowEngineMissing("The template is kept; this version cannot run workflows.")
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
