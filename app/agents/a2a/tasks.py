"""Runs as A2A tasks, and A2A messages as what agents are asked. Loads the SDK: import it late."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import orjson
from a2a.types import (
    Artifact,
    Message,
    Part,
    Role,
    Task,
    TaskArtifactUpdateEvent,
    TaskState,
    TaskStatus,
    TaskStatusUpdateEvent,
)
from a2a.utils.errors import ContentTypeNotSupportedError, InvalidParamsError
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.struct_pb2 import Value

from app.agents.a2a.crud import CONTEXT
from app.agents.runtime.models import Execution, ToolApproval
from app.runs.runs.models import Run

OUTPUT: Final = "output"
MOST_PARTS: Final = 32
IMAGES: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
STATES: Final[Mapping[str, TaskState]] = {
    "queued": TaskState.TASK_STATE_SUBMITTED,
    "running": TaskState.TASK_STATE_WORKING,
    "paused": TaskState.TASK_STATE_INPUT_REQUIRED,
    "completed": TaskState.TASK_STATE_COMPLETED,
    "failed": TaskState.TASK_STATE_FAILED,
    "cancelled": TaskState.TASK_STATE_CANCELED,
}
ENDED: Final = frozenset({"completed", "failed", "cancelled"})


def task_of(
    run: Run,
    execution: Execution,
    waits_for: Sequence[ToolApproval] = (),
    *,
    history: int = 0,
    artifacts: bool = True,
) -> Task:
    """A run as a task; `history` is how many of the messages that were asked it shows."""
    task = Task(
        id=str(run.id),
        context_id=context_of(execution),
        status=_status(run, execution, waits_for),
        metadata={"agent": execution.agent_slug},
    )
    if history:
        task.history.extend(_asked(execution, run)[-history:])
    if artifacts and run.status == "completed":
        task.artifacts.append(output_of(run.result or {}))
    return task


def context_of(execution: Execution) -> str:
    return str(execution.labels.get(CONTEXT, ""))


def status_update(
    run: Run, execution: Execution, waits_for: Sequence[ToolApproval] = ()
) -> TaskStatusUpdateEvent:
    return TaskStatusUpdateEvent(
        task_id=str(run.id),
        context_id=context_of(execution),
        status=_status(run, execution, waits_for),
    )


def text_update(run: Run, execution: Execution, text: str, *, append: bool) -> Any:
    """A piece of the answer while it is written; not appended, it begins anew."""
    return TaskArtifactUpdateEvent(
        task_id=str(run.id),
        context_id=context_of(execution),
        artifact=Artifact(artifact_id=OUTPUT, name=OUTPUT, parts=[Part(text=text)]),
        append=append,
    )


def output_update(run: Run, execution: Execution) -> TaskArtifactUpdateEvent:
    """The whole result, in place of the pieces."""
    return TaskArtifactUpdateEvent(
        task_id=str(run.id),
        context_id=context_of(execution),
        artifact=output_of(run.result or {}),
        append=False,
        last_chunk=True,
    )


def output_of(result: Mapping[str, Any]) -> Artifact:
    output = result.get("output")
    if output is None or isinstance(output, str):
        part = Part(text=output or str(result.get("text") or ""), media_type="text/plain")
    else:
        part = Part(data=ParseDict(output, Value()), media_type="application/json")
    return Artifact(artifact_id=OUTPUT, name=OUTPUT, parts=[part])


def asked_by(message: Message) -> str | list[dict[str, Any]]:
    """What a message asks, as an agent's run takes it.

    Raises InvalidParamsError and ContentTypeNotSupportedError.
    """
    if not 0 < len(message.parts) <= MOST_PARTS:
        raise InvalidParamsError(f"A message has 1 to {MOST_PARTS} parts.")
    parts = [_content(part) for part in message.parts]
    if all(part["type"] == "text" for part in parts):
        return "\n\n".join(part["text"] for part in parts)
    return parts


def data_of(message: Message) -> dict[str, Any]:
    """The first object among the parts of a message."""
    for part in message.parts:
        if part.WhichOneof("content") == "data":
            value = MessageToDict(part.data)
            if isinstance(value, dict):
                return value
    return {}


def turns_of(tasks: Sequence[tuple[Run, Execution]]) -> list[dict[str, Any]]:
    """What was asked and answered before, as a conversation."""
    said: list[dict[str, Any]] = []
    for run, execution in tasks:
        said += [execution.messages[-1]]
        said += [{"role": "assistant", "content": _text_of(run.result or {})}]
    return said


def _content(part: Part) -> dict[str, Any]:
    kind = part.WhichOneof("content")
    if kind == "text" and part.text.replace("\x00", ""):
        return {"type": "text", "text": part.text.replace("\x00", "")}
    if kind == "data":
        return {"type": "text", "text": orjson.dumps(MessageToDict(part.data)).decode()}
    if kind == "raw" and part.media_type in IMAGES:
        encoded = base64.b64encode(part.raw).decode()
        return {"type": "image", "media_type": part.media_type, "data": encoded}
    if kind == "raw" and part.media_type.startswith("text/"):
        return {"type": "text", "text": part.raw.decode("utf-8", "replace").replace("\x00", "")}
    raise ContentTypeNotSupportedError(
        "Send text, data, or images (png, jpeg, gif, webp) by their bytes."
    )


def _status(run: Run, execution: Execution, waits_for: Sequence[ToolApproval]) -> TaskStatus:
    status = TaskStatus(state=STATES.get(run.status, TaskState.TASK_STATE_WORKING))
    status.timestamp.FromDatetime(run.ended_at or run.updated_at)
    parts = _told(run, waits_for)
    if parts:
        status.message.CopyFrom(
            Message(
                message_id=f"{run.id}:{run.status}",
                task_id=str(run.id),
                context_id=context_of(execution),
                role=Role.ROLE_AGENT,
                parts=parts,
            )
        )
    return status


def _told(run: Run, waits_for: Sequence[ToolApproval]) -> list[Part]:
    """Why it failed, or what it waits for."""
    if run.status == "failed":
        problem = run.error or {}
        said = str(problem.get("detail") or problem.get("title") or "It failed.")
        code = {"code": str(problem.get("code") or "failed")}
        return [Part(text=said), Part(data=ParseDict(code, Value()))]
    if run.status != "paused":
        return []
    if not waits_for:
        return [Part(text="It has used up its budget; whoever runs it can resume it.")]
    wanted = [
        {"approval_id": str(each.id), "tool": each.tool, "arguments": each.arguments}
        for each in waits_for
    ]
    said = (
        "A person must agree to what it is about to do. Answer with data: "
        '{"approval_id": "…", "decision": "approve" or "decline"}.'
    )
    return [Part(text=said), Part(data=ParseDict({"approvals": wanted}, Value()))]


def _asked(execution: Execution, run: Run) -> list[Message]:
    shown = []
    for number, each in enumerate(execution.messages):
        content = each["content"]
        texts = (
            [content]
            if isinstance(content, str)
            else [part["text"] for part in content if part["type"] == "text"]
        )
        user = each["role"] == "user"
        shown.append(
            Message(
                message_id=f"{run.id}:{number}",
                task_id=str(run.id),
                context_id=context_of(execution),
                role=Role.ROLE_USER if user else Role.ROLE_AGENT,
                parts=[Part(text=text) for text in texts],
            )
        )
    return shown


def _text_of(result: Mapping[str, Any]) -> str:
    output = result.get("output")
    if isinstance(output, str) or output is None:
        return output or str(result.get("text") or "") or "(nothing)"
    return orjson.dumps(output).decode()


def id_of(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
