"""Asking an agent of another service, by the official SDK. Loads it: import this late."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson
from a2a.client import A2AClientError, ClientConfig, ClientFactory
from a2a.client.card_resolver import parse_agent_card
from a2a.client.client import Client
from a2a.types import (
    AgentCard,
    Artifact,
    Message,
    Part,
    Role,
    SendMessageRequest,
    StreamResponse,
    TaskArtifactUpdateEvent,
    TaskState,
    TaskStatus,
)
from a2a.utils.errors import A2AError
from google.protobuf.json_format import MessageToDict, ParseDict, ParseError

from app.agents.a2a.errors import CardUnusable
from app.agents.a2a.transport import guarded_client
from app.agents.credentials.finding import Opened
from app.agents.mcp_servers.pinning import visible
from app.core.errors import AppError
from app.core.outbound import Outbound

JSONRPC: Final = "JSONRPC"
SECONDS: Final = 20.0


class Unanswered(Exception):
    """The other service could not be asked, in a few words that say no secret."""


@dataclass(frozen=True, slots=True)
class Said:
    """What an agent elsewhere said, and how its task stands (`completed`, `input_required` …)."""

    text: str
    state: str
    task_id: str | None = None
    context_id: str | None = None
    data: Any = None


async def read_card(outbound: Outbound, url: str, credential: Opened | None) -> dict[str, Any]:
    """A card as JSON, in the form of A2A 1.0; raises CardUnusable."""
    try:
        outbound.check_url(url)
        async with (
            asyncio.timeout(SECONDS),
            guarded_client(outbound, credential, seconds=SECONDS) as http,
        ):
            answer = await http.get(url)
            answer.raise_for_status()
            card = parse_agent_card(answer.json())
    except AppError as error:
        raise CardUnusable(error.detail) from error
    except Exception as error:
        raise CardUnusable(f"It could not be read: {type(error).__name__}.") from error
    if not card.name or _url_of(card) is None:
        raise CardUnusable("It names no interface of the binding JSONRPC.")
    told: dict[str, Any] = MessageToDict(card)
    return told


def _url_of(card: AgentCard) -> str | None:
    return next(
        (each.url for each in card.supported_interfaces if each.protocol_binding == JSONRPC), None
    )


@asynccontextmanager
async def _client(
    outbound: Outbound, card: dict[str, Any], credential: Opened | None, seconds: float
) -> AsyncIterator[Client]:
    told = ParseDict(card, AgentCard(), ignore_unknown_fields=True)
    async with guarded_client(outbound, credential, seconds=seconds) as http:
        config = ClientConfig(
            streaming=told.capabilities.streaming,
            httpx_client=http,
            supported_protocol_bindings=[JSONRPC],
        )
        yield ClientFactory(config).create(told)


async def ask(
    outbound: Outbound,
    card: dict[str, Any],
    credential: Opened | None,
    message: dict[str, str],
    *,
    seconds: float,
) -> Said:
    """Send one message and wait for what comes of it; raises Unanswered.

    `message` has `text` and `message_id`, and of a task or a conversation that goes on `task_id`
    or `context_id`.
    """
    asked = Message(
        message_id=message["message_id"],
        role=Role.ROLE_USER,
        parts=[Part(text=message["text"])],
        task_id=message.get("task_id", ""),
        context_id=message.get("context_id", ""),
    )
    heard = Heard()
    try:
        async with _client(outbound, card, credential, seconds) as client:
            async for event in client.send_message(SendMessageRequest(message=asked)):
                heard.take(event)
    except (A2AClientError, A2AError) as error:
        # What follows its first line explains HTTP.
        said = str(error).partition("\n")[0]
        raise Unanswered(_without_secrets(said, credential)[:500]) from error
    except (ParseError, ValueError, RecursionError) as error:
        raise Unanswered(f"it cannot be understood ({type(error).__name__})") from error
    return _clean(heard.said(), credential)


class Heard:
    """The events of an answer, put together."""

    def __init__(self) -> None:
        self._artifacts: dict[str, Artifact] = {}
        self._status = TaskStatus()
        self._messages: list[Message] = []
        self._ids: tuple[str | None, str | None] = (None, None)

    def take(self, event: StreamResponse) -> None:
        match event.WhichOneof("payload"):
            case "task":
                task = event.task
                self._ids, self._status = (task.id, task.context_id), task.status
                self._artifacts = {each.artifact_id: each for each in task.artifacts}
            case "message":
                self._messages.append(event.message)
                self._ids = (None, event.message.context_id or None)
            case "status_update":
                self._status = event.status_update.status
            case "artifact_update":
                self._add(event.artifact_update)

    def _add(self, update: TaskArtifactUpdateEvent) -> None:
        known = self._artifacts.get(update.artifact.artifact_id)
        if known is not None and update.append:
            known.parts.extend(update.artifact.parts)
        else:
            self._artifacts[update.artifact.artifact_id] = update.artifact

    def said(self) -> Said:
        parts = [part for each in self._artifacts.values() for part in each.parts]
        parts += [part for message in self._messages for part in message.parts]
        state = _state(self._status) if self._ids[0] else "completed"
        if state != "completed":
            parts += list(self._status.message.parts)
        data = [MessageToDict(part.data) for part in parts if part.WhichOneof("content") == "data"]
        return Said(
            "".join(_text(part) for part in parts),
            state,
            self._ids[0],
            self._ids[1],
            data[0] if len(data) == 1 else data or None,
        )


def _text(part: Part) -> str:
    match part.WhichOneof("content"):
        case "text":
            return part.text
        case "data":
            return orjson.dumps(MessageToDict(part.data)).decode()
        case "url":
            return f"[{part.filename or part.media_type or 'file'}: {part.url}]"
        case "raw":
            return f"[{part.filename or part.media_type or 'file'}: {len(part.raw)} bytes]"
    return ""


def _state(status: TaskStatus) -> str:
    name: str = TaskState.Name(status.state)
    return name.removeprefix("TASK_STATE_").lower()


def _clean(said: Said, credential: Opened | None) -> Said:
    """Its text without our secrets, and without what people do not see."""
    return replace(said, text=_without_secrets(visible(said.text), credential))


def _without_secrets(text: str, credential: Opened | None) -> str:
    for each in credential.secrets() if credential else ():
        text = text.replace(each, "…")
    return text
