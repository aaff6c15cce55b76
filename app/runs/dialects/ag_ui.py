"""AG-UI 1.0: each stretch of a run between pauses is a run of its own in the protocol's words."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final
from uuid import UUID

import orjson

from app.runs.dialects.encoder import Body, Encoder, Voice, fields, is_below, step_name
from app.runs.dialects.interrupts import agreement, waiting
from app.runs.dialects.token_count import TokenCount

PROTOCOL: Final = "1.0"


class AgUiEncoder(Encoder):
    """Messages, reasoning, tools, steps and subagents; what is left is CUSTOM by its own name."""

    def __init__(self, run_id: UUID, thread_id: str) -> None:
        super().__init__(run_id)
        self._thread = thread_id
        self._stretch = 1
        self._open: dict[str, tuple[str, str]] = {}
        self._steps: dict[tuple[str, str], None] = {}
        self._agents: dict[str, None] = {}
        self._over: set[str] = set()
        self._answers: dict[tuple[str, int], str] = {}
        self._models: dict[str, str] = {}
        self._usage = TokenCount()

    def _place(self) -> dict[str, str]:
        run = self._run if self._stretch == 1 else f"{self._run}:{self._stretch}"
        return {"threadId": self._thread, "runId": run}

    def _created(self, _: Body) -> None:
        self._put({"type": "RUN_STARTED", **self._place(), "protocolVersion": PROTOCOL})

    def _go_on(self, body: Body) -> None:
        self._stretch += 1
        self._usage.begin()
        self._over.clear()
        self._created(body)

    def _of(self, path: str, agent: str | None) -> dict[str, str]:
        """The attribution of what an agent below does, which is announced the first time."""
        if not path:
            return {}
        if path not in self._agents and path not in self._over:
            self._agents[path] = None
            told = {"type": "SUBAGENT_STARTED", "subagentRunId": self._under(path)}
            told["name"] = agent or path.rpartition(".")[2]
            parent = path.rpartition("/")[0]
            if parent in self._agents:
                told["parentSubagentRunId"] = self._under(parent)
            if self._under(path) in self._calls:
                told["parentToolCallId"] = self._under(path)
            self._put(told)
        return {"subagentRunId": self._under(path)}

    def _under(self, path: str) -> str:
        return f"{self._run}/{path}"

    def _message(self, body: Body) -> None:
        voice = self._meet(body)
        if "number" in body:
            self._answers[voice.path, body["number"]] = body["message_id"]
        self._models.setdefault(voice.path, body["model"])
        self._other(body)

    def _candidate(self, body: Body) -> None:
        self._meet(body)
        self._other(body)

    def _delta(self, body: Body) -> None:
        voice, message_id = self._heard(body), body["message_id"]
        of, kind = self._of(voice.path, voice.agent), body["type"]
        if self._open.get(message_id, ("", ""))[0] != kind:
            self._close_message(message_id)
            self._open_message(message_id, kind, voice, of)
        if kind == "text.delta":
            told = {"type": "TEXT_MESSAGE_CONTENT", "messageId": message_id}
        else:
            told = {"type": "REASONING_MESSAGE_CONTENT", "messageId": f"{message_id}:reasoning"}
        self._put({**told, "delta": body["text"], **of})

    def _open_message(
        self, message_id: str, kind: str, voice: Voice, of: Mapping[str, str]
    ) -> None:
        self._open[message_id] = (kind, voice.path)
        if kind == "text.delta":
            name = voice.agent if voice.path else voice.label
            named = {"name": name} if name else {}
            told = {"type": "TEXT_MESSAGE_START", "messageId": message_id, "role": "assistant"}
            self._put({**told, **named, **of})
            return
        reasoning = {"messageId": f"{message_id}:reasoning", **of}
        self._put({"type": "REASONING_START", **reasoning})
        self._put({"type": "REASONING_MESSAGE_START", "role": "reasoning", **reasoning})

    def _close_message(self, message_id: str | None) -> None:
        kind, _ = self._open.pop(message_id or "", ("", ""))
        if kind == "text.delta":
            self._put({"type": "TEXT_MESSAGE_END", "messageId": message_id})
        elif kind:
            for told in ("REASONING_MESSAGE_END", "REASONING_END"):
                self._put({"type": told, "messageId": f"{message_id}:reasoning"})

    def _step_started(self, body: Body) -> None:
        path = body.get("path") or ""
        of, name = self._of(path, body.get("agent")), step_name(body)
        if body.get("model"):
            self._models[path] = body["model"]
        if (path, name) not in self._steps:
            self._steps[path, name] = None
            self._put({"type": "STEP_STARTED", "stepName": name, **of})

    def _step_ended(self, body: Body) -> None:
        self._close_message(body.get("message_id"))
        self._close_step(body.get("path") or "", step_name(body))
        if body["type"] == "step.failed":
            self._other(body)

    def _close_step(self, path: str, name: str) -> None:
        if (path, name) in self._steps:
            del self._steps[path, name]
            of = {"subagentRunId": self._under(path)} if path else {}
            self._put({"type": "STEP_FINISHED", "stepName": name, **of})

    def _tool_call(self, body: Body) -> None:
        self._call(body, body["arguments"])

    def _call(self, body: Body, arguments: Any) -> str:
        """Tell a call; of one that a fork took over only the result stands in the log."""
        call_id, of = self._call_id(body), self._of(body["path"], body["agent"])
        if call_id not in self._calls:
            self._calls.add(call_id)
            start = {"type": "TOOL_CALL_START", "toolCallId": call_id, "toolCallName": body["name"]}
            answer = self._answers.get((body["path"], body["number"]))
            self._put({**start, **({"parentMessageId": answer} if answer else {}), **of})
            told = orjson.dumps(arguments).decode()
            self._put({"type": "TOOL_CALL_ARGS", "toolCallId": call_id, "delta": told, **of})
            self._put({"type": "TOOL_CALL_END", "toolCallId": call_id, **of})
        return call_id

    def _approval(self, body: Body) -> None:
        self._call(body, body["arguments"])
        self._asked[body["approval_id"]] = body
        self._other(body)

    def _tool_result(self, body: Body) -> None:
        data = body.get("data")
        self._answer(body, body["text"] if data is None else orjson.dumps(data).decode(), {})

    def _tool_error(self, body: Body) -> None:
        self._answer(body, body["text"], {"metadata": {"isError": True, "code": body["code"]}})

    def _answer(self, body: Body, content: str, more: Mapping[str, Any]) -> None:
        call_id = self._call(body, {})
        self._close_under(call_id.removeprefix(f"{self._run}/"))
        told = {"type": "TOOL_CALL_RESULT", "messageId": f"{call_id}:result"}
        told |= {"toolCallId": call_id, "role": "tool", "content": content}
        self._put({**told, **more, **self._of(body["path"], body["agent"])})

    def _close_under(self, root: str, waiting: Mapping[str, list[str]] | None = None) -> None:
        """End what an agent and those below it have open; with `waiting` they are not done."""
        for message_id, (_, path) in list(self._open.items()):
            if is_below(path, root):
                self._close_message(message_id)
        for path, name in list(self._steps):
            if is_below(path, root):
                self._close_step(path, name)
        for path in reversed(list(self._agents)):
            if is_below(path, root):
                del self._agents[path]
                self._over.add(path)
                told = {"type": "SUBAGENT_FINISHED", "subagentRunId": self._under(path)}
                if waiting is None:
                    self._put(told)
                    continue
                ids = waiting.get(path, [])
                self._put({**told, "outcome": {"type": "suspended", "interruptIds": ids}})

    def _used(self, body: Body) -> None:
        self._usage.count(self._models.get(body.get("path") or "", ""), body)
        self._other(body)

    def _pause(self, body: Body) -> None:
        self._paused = True
        ids = [each for each in body.get("approvals") or () if each in self._asked]
        below: dict[str, list[str]] = {}
        for each in ids:
            below.setdefault(self._asked[each]["path"], []).append(each)
        interrupts = [self._agreement(each) for each in ids] or [waiting(self._run, body)]
        self._close_under("", below)
        outcome = {"type": "interrupt", "interrupts": interrupts}
        self._finish({"outcome": outcome, "usage": self._usage.told()})

    def _agreement(self, approval_id: str) -> dict[str, Any]:
        body = self._asked[approval_id]
        below = {"subagentRunId": self._under(body["path"])} if body["path"] else {}
        return {**agreement(body, self._call_id(body)), **below}

    def _completed(self, body: Body) -> None:
        self._close_under("")
        if text := self._untold(body):
            message_id = f"{self._run}/result"
            self._put({"type": "TEXT_MESSAGE_START", "messageId": message_id, "role": "assistant"})
            told = {"type": "TEXT_MESSAGE_CONTENT", "messageId": message_id}
            self._put({**told, "delta": text})
            self._put({"type": "TEXT_MESSAGE_END", "messageId": message_id})
        usage = self._usage.told(body)
        self._finish({"result": body["result"], "outcome": {"type": "success"}, "usage": usage})

    def _failed(self, body: Body) -> None:
        self._close_under("")
        error = body["error"]
        told = {"type": "RUN_ERROR", "message": error.get("detail") or error["title"]}
        self._put({**told, "code": error["code"], "usage": self._usage.told(body)})

    def _cancelled(self, body: Body) -> None:
        self._close_under("")
        self._finish({"outcome": {"type": "cancelled"}, "usage": self._usage.told(body)})

    def _finish(self, told: Mapping[str, Any]) -> None:
        self._put({"type": "RUN_FINISHED", **self._place(), **told})

    def _other(self, body: Body) -> None:
        told = {"type": "CUSTOM", "name": body["type"], "value": fields(body)}
        self._put({**told, **self._of(body.get("path") or "", body.get("agent"))})

    _telling: ClassVar[Mapping[str, Callable[[Any, Body], None]]] = {
        "run.created": _created,
        "run.paused": _pause,
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
        "tool.call": _tool_call,
        "tool.approval_required": _approval,
        "tool.result": _tool_result,
        "tool.error": _tool_error,
        "usage.updated": _used,
    }
