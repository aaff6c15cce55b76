"""The Vercel AI SDK's UI message stream (`ai` 7): a run is one message of its chat."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, ClassVar, Final
from uuid import UUID

from app.runs.dialects.encoder import Body, Encoder, fields, source_id_of

DONE: Final = b"data: [DONE]\n\n"
DECLINED: Final = frozenset({"approval_declined", "approval_expired"})


class AiSdkEncoder(Encoder):
    """Text, reasoning, tools, approvals and sources as parts; the rest as `data-…` parts."""

    headers: ClassVar[Mapping[str, str]] = {"x-vercel-ai-ui-message-stream": "v1"}

    def __init__(self, run_id: UUID) -> None:
        super().__init__(run_id)
        self._open: dict[str, str] = {}
        self._step: int | None = None
        self._usage: dict[str, Any] = {"inputTokens": 0, "outputTokens": 0, "costUsd": "0"}
        self._reason = ""

    def rest(self) -> bytes:
        reason = "tool-calls" if self._reason == "approval" else "other"
        self._end({"type": "finish", "finishReason": reason})
        return self._taken(b"") + DONE

    def _created(self, body: Body) -> None:
        about = {"runId": self._run, "kind": body["kind"]}
        self._put({"type": "start", "messageId": self._run, "messageMetadata": about})

    def _message(self, body: Body) -> None:
        voice = self._meet(body)
        if voice.path:
            self._other(body)
            return
        if self._step is None:
            self._begin_step(0)
        about = {name: body.get(name) for name in ("model", "demo") if name in body}
        if body.get("conversation_id"):
            about["conversationId"] = body["conversation_id"]
        self._put({"type": "message-metadata", "messageMetadata": about})

    def _candidate(self, body: Body) -> None:
        self._meet(body)
        if self._step is None:
            self._begin_step(0)
        self._other(body)

    def _delta(self, body: Body) -> None:
        voice, message_id = self._heard(body), body["message_id"]
        kind = body["type"].partition(".")[0]
        if voice.path:
            told = {"messageId": message_id, "agent": voice.agent, "path": voice.path}
            self._data(f"agent-{kind}", {**told, "delta": body["text"]})
            return
        if self._open.get(message_id) != kind:
            self._close(message_id)
            self._open[message_id] = kind
            more = {"providerMetadata": {"luminous": {"label": voice.label}}} if voice.label else {}
            self._put({"type": f"{kind}-start", "id": message_id, **more})
        self._put({"type": f"{kind}-delta", "id": message_id, "delta": body["text"]})

    def _close(self, message_id: str | None) -> None:
        kind = self._open.pop(message_id or "", None)
        if kind is not None:
            self._put({"type": f"{kind}-end", "id": message_id})

    def _step_started(self, body: Body) -> None:
        if body["step"] != "model" or body.get("path"):
            self._other(body)
        elif body["number"] != self._step:
            self._begin_step(body["number"])

    def _begin_step(self, number: int) -> None:
        if self._step is not None:
            self._put({"type": "finish-step"})
        self._step = number
        self._put({"type": "start-step"})

    def _step_ended(self, body: Body) -> None:
        self._close(body.get("message_id"))
        if body["step"] != "model" or body.get("path"):
            self._other(body)

    def _step_again(self, body: Body) -> None:
        """An answer that must be of one piece is begun anew: what stands of it goes."""
        if body["step"] != "model" or body.get("path"):
            self._other(body)
            return
        self._open.clear()
        self._put({"type": "reset-step"})

    def _tool_call(self, body: Body) -> None:
        self._call(body, body["arguments"])

    def _call(self, body: Body, arguments: Any) -> str:
        """Tell a call; of one that a fork took over only the result stands in the log."""
        call_id = self._call_id(body)
        if call_id not in self._calls:
            self._calls.add(call_id)
            whose = {"agent": body["agent"], "path": body["path"]}
            part: dict[str, Any] = {"type": "tool-input-available", "toolCallId": call_id}
            part |= {"toolName": body["name"], "input": arguments, "dynamic": True}
            self._put({**part, "toolMetadata": whose} if body["path"] else part)
        return call_id

    def _approval(self, body: Body) -> None:
        call_id = self._call(body, body["arguments"])
        self._waits[call_id] = approval_id = body["approval_id"]
        about = {"agent": body["agent"], "reason": body["reason"], "expiresAt": body["expires_at"]}
        part = {"type": "tool-approval-request", "approvalId": approval_id, "toolCallId": call_id}
        self._put({**part, "reason": body["reason"], "approvalDescriptor": about})

    def _decided(self, call_id: str, *, approved: bool) -> None:
        approval_id = self._waits.pop(call_id, None)
        if approval_id is not None:
            part = {"type": "tool-approval-response", "approvalId": approval_id}
            self._put({**part, "approved": approved})

    def _tool_result(self, body: Body) -> None:
        call_id = self._call(body, {})
        self._decided(call_id, approved=True)
        output = body["text"] if body.get("data") is None else body["data"]
        part = {"type": "tool-output-available", "toolCallId": call_id, "output": output}
        self._put({**part, "dynamic": True})

    def _tool_error(self, body: Body) -> None:
        call_id = self._call(body, {})
        denied = body["code"] in DECLINED
        self._decided(call_id, approved=not denied)
        if denied:
            self._put({"type": "tool-output-denied", "toolCallId": call_id})
            return
        part = {"type": "tool-output-error", "toolCallId": call_id, "errorText": body["text"]}
        self._put({**part, "dynamic": True})

    def _source(self, body: Body) -> None:
        source_id = source_id_of(body)
        if self._is_new(source_id):
            part = {"type": "source-document", "sourceId": source_id, "mediaType": "text/plain"}
            self._put({**part, "title": body["title"] or body["heading"] or body["kind"]})
            self._put({"type": "data-source", "id": source_id, "data": fields(body)})

    def _used(self, body: Body) -> None:
        usage, known = self._usage, body["cost_usd"] is not None
        usage["inputTokens"] += body["input_tokens"]
        usage["outputTokens"] += body["output_tokens"]
        usage["costUsd"] = _sum(usage["costUsd"], body["cost_usd"]) if known else None
        self._put({"type": "message-metadata", "messageMetadata": {"usage": usage}})

    def _pause(self, body: Body) -> None:
        self._paused, self._reason = True, body["reason"]
        told = {"state": "paused", **fields(body)}
        self._put({"type": "data-pause", "id": "pause", "data": told})

    def _go_on(self, body: Body) -> None:  # noqa: ARG002 - others look at it
        self._put({"type": "data-pause", "id": "pause", "data": {"state": "resumed"}})

    def _completed(self, body: Body) -> None:
        if text := self._untold(body):
            message_id = f"{self._run}/result"
            self._put({"type": "text-start", "id": message_id})
            self._put({"type": "text-delta", "id": message_id, "delta": text})
            self._put({"type": "text-end", "id": message_id})
        output = (body["result"] or {}).get("output")
        more = {"output": output} if isinstance(output, dict | list) else {}
        about = {"status": "completed", **self._total(body), **more}
        self._end({"type": "finish", "finishReason": "stop", "messageMetadata": about})
        self._done()

    def _failed(self, body: Body) -> None:
        error = body["error"]
        about = {"status": "failed", "error": error, **self._total(body)}
        self._end({"type": "message-metadata", "messageMetadata": about})
        self._put({"type": "error", "errorText": error.get("detail") or error["title"]})
        self._done()

    def _cancelled(self, body: Body) -> None:
        about = {"status": "cancelled", **self._total(body)}
        self._end({"type": "abort", "reason": "The run was cancelled."})
        # Without this reason a chat would send an answered approval again and again.
        self._put({"type": "finish", "finishReason": "interrupted", "messageMetadata": about})
        self._done()

    def _end(self, last: Mapping[str, Any]) -> None:
        for message_id in list(self._open):
            self._close(message_id)
        if self._step is not None:
            self._step = None
            self._put({"type": "finish-step"})
        self._put(last)

    def _done(self) -> None:
        self._parts.append(b"[DONE]")

    def _total(self, body: Body) -> dict[str, Any]:
        usage = body["usage"]
        names = (("inputTokens", "input_tokens"), ("outputTokens", "output_tokens"))
        return {"usage": {**{new: usage[old] for new, old in names}, "costUsd": usage["cost_usd"]}}

    def _nothing(self, body: Body) -> None:
        """What the protocol needs no word for."""

    def _other(self, body: Body) -> None:
        self._data(body["type"].replace(".", "-").replace("_", "-"), fields(body))

    def _data(self, name: str, told: Mapping[str, Any]) -> None:
        self._put({"type": f"data-{name}", "data": told, "transient": True})

    _telling: ClassVar[Mapping[str, Callable[[Any, Body], None]]] = {
        "run.created": _created,
        "run.started": _nothing,
        "run.paused": _pause,
        "run.resumed": _nothing,
        "run.completed": _completed,
        "run.failed": _failed,
        "run.cancelled": _cancelled,
        "message.created": _message,
        "candidate.started": _candidate,
        "text.delta": _delta,
        "reasoning.delta": _delta,
        "step.started": _step_started,
        "step.completed": _step_ended,
        "step.failed": _step_ended,
        "step.retrying": _step_again,
        "tool.call": _tool_call,
        "tool.approval_required": _approval,
        "tool.result": _tool_result,
        "tool.error": _tool_error,
        "source.added": _source,
        "usage.updated": _used,
    }


def _sum(one: str | None, other: str) -> str | None:
    return None if one is None else f"{(Decimal(one) + Decimal(other)).normalize():f}"
