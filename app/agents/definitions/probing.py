"""Asking a model to do what it is to be able to: a call of a tool, a form, an image."""

import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

import orjson

from app.agents.definitions import probe_crud
from app.agents.definitions.capabilities import needs, payer_for, plan_for
from app.agents.definitions.desk import Desk
from app.agents.definitions.exchange_schemas import AgentProbe, AgentProbed
from app.agents.definitions.service import see
from app.core.auth import Access
from app.core.clock import now
from app.core.errors import AppError
from app.identity.versioned.schemas import VersionChoice
from app.inference.dialects.errors import RequestInvalid
from app.inference.integrations.directory import Target
from app.inference.providers.errors import ProviderRejected
from app.inference.providers.types import (
    ChatRequest,
    ChatResult,
    ImagePart,
    Message,
    ResponseFormat,
    TextPart,
    ToolCallPart,
    ToolSpec,
)
from app.inference.routing.facts import facts_of

PURPOSE: Final = "capability_probe"
MOST_TOKENS: Final = 1024
_REFUSALS: Final = (ProviderRejected, RequestInvalid)
_WORD: Final = {
    "type": "object",
    "properties": {"word": {"type": "string"}},
    "required": ["word"],
    "additionalProperties": False,
}
Found = tuple[bool | None, str]


async def probe(
    desk: Desk, access: Access, agent_id: UUID, choice: VersionChoice, wanted: AgentProbe
) -> AgentProbed:
    """Ask, and keep what was found; no session is held while the model is asked.

    Raises what `see` and planning raise. A model that cannot be asked at all is no finding.
    """
    async with desk.database.unit(access.scope) as session:
        definition = (await see(session, access, agent_id, choice)).definition
    plan = await plan_for(desk, access, wanted.model or definition.model)
    target = plan.candidates[0].target
    needed = needs(definition).capabilities
    asked: Sequence[str] = wanted.capabilities or [name for name in _TRIALS if name in needed]
    found: dict[str, Found] = {}
    for capability in dict.fromkeys(asked or _TRIALS):
        found[capability] = await _try(desk, access, target, capability)
    moment = now()
    async with desk.database.unit(access.scope) as session:
        for capability, (able, detail) in found.items():
            if able is not None:
                await probe_crud.keep_probe(
                    session, access.workspace_id, target.reference, capability, (able, detail)
                )
    return _told(target, found, moment)


def _told(target: Target, found: Mapping[str, Found], moment: datetime) -> AgentProbed:
    facts = facts_of(target.endpoint.kind, target.model.partition("?")[0], None)
    results = [
        {
            "capability": capability,
            "declared": _declared(capability, facts.can, facts.cannot),
            "able": able,
            "detail": detail,
            "probed_at": moment if able is not None else None,
        }
        for capability, (able, detail) in found.items()
    ]
    return AgentProbed.model_validate({"model": target.reference, "data": results})


def _declared(capability: str, can: frozenset[str], cannot: frozenset[str]) -> bool | None:
    return True if capability in can else False if capability in cannot else None


async def _try(desk: Desk, access: Access, target: Target, capability: str) -> Found:
    request, judge = _TRIALS[capability]
    try:
        result = await desk.inference.own.complete(
            payer_for(access, PURPOSE), target.reference, request(target.model), access=access
        )
    except _REFUSALS as error:
        return False, f"It refused: {error.detail}"[:300]
    except AppError as error:
        return None, f"{error.code}: {error.detail}"[:300]
    return judge(result)


def _asked(model: str, text: str, **more: Any) -> ChatRequest:
    parts = (TextPart(text), *more.pop("parts", ()))
    return ChatRequest(model, (Message("user", parts),), max_output_tokens=MOST_TOKENS, **more)


def _ask_for_tool(model: str) -> ChatRequest:
    tool = ToolSpec("report_word", "Reports a word.", _WORD)
    text = "Report the word `green` by calling the tool `report_word`."
    return _asked(model, text, tools=(tool,), tool_choice="required")


def _judge_tool(result: ChatResult) -> Found:
    calls = [part for part in result.parts if isinstance(part, ToolCallPart)]
    if any(call.name == "report_word" for call in calls):
        return True, "It called the tool."
    return False, "It answered without calling the tool."


def _ask_for_form(model: str) -> ChatRequest:
    form = ResponseFormat("json_schema", "word", _WORD)
    return _asked(model, "Give the word `green` as JSON.", response_format=form)


def _judge_form(result: ChatResult) -> Found:
    try:
        value = orjson.loads(result.text)
    except orjson.JSONDecodeError:
        return False, "Its answer is no JSON."
    if isinstance(value, dict) and isinstance(value.get("word"), str):
        return True, "Its answer satisfies the schema."
    return False, "Its answer does not satisfy the schema."


def _ask_for_image(model: str) -> ChatRequest:
    image = ImagePart("image/png", data=red_square())
    return _asked(model, "Which colour is this image? Answer with one word.", parts=(image,))


def _judge_image(result: ChatResult) -> Found:
    if "red" in result.text.lower():
        return True, "It named the image's colour."
    return False, "It did not name the image's colour."


@lru_cache(maxsize=1)
def red_square(side: int = 64) -> bytes:
    """A red PNG."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + check

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    rows = (b"\x00" + b"\xff\x00\x00" * side) * side
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        (chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    )


_TRIALS: Final[Mapping[str, tuple[Callable[[str], ChatRequest], Callable[[ChatResult], Found]]]] = {
    "tools": (_ask_for_tool, _judge_tool),
    "structured_output": (_ask_for_form, _judge_form),
    "vision": (_ask_for_image, _judge_image),
}
