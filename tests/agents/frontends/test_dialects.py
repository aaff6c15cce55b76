"""What dialects make of a log: the same bytes each time, and valid by the protocols' own models."""

import json
from uuid import UUID, uuid4

import pytest
from ag_ui._generated.models import Event as AgUiEvent
from pydantic import TypeAdapter
from pydantic_ai.ui.vercel_ai import response_types as ai

from app.runs.dialects.ag_ui import AgUiEncoder
from app.runs.dialects.ai_sdk import AiSdkEncoder
from app.runs.dialects.streaming import heard_to, heard_to_answer
from app.runs.events.event import Event, encode

RUN = UUID("01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11")
APPROVAL = "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e77"
USAGE = {"input_tokens": 30, "output_tokens": 6, "cost_usd": "0.1"}
CALL = {"path": "", "number": 1, "agent": "helper", "call_id": "c", "name": "pay"}
# Newer than the models of pydantic-ai know them.
NEW = {"tool-approval-response", "reset-step"}
AG_UI = TypeAdapter(AgUiEvent)
CHUNKS = {
    kind.model_fields["type"].default: kind
    for kind in vars(ai).values()
    if isinstance(kind, type) and issubclass(kind, ai.BaseChunk) and "type" in kind.model_fields
}


def log(*told):
    """Events of a log: `(type, fields)` each."""
    return [encode(str(RUN), seq, kind, fields) for seq, (kind, fields) in enumerate(told, start=1)]


def model(number, message, path="", agent="helper"):
    place = {"path": path, "number": number, "agent": agent, "message_id": message}
    return (
        ("step.started", {"step": "model", "model": "demo/chat", **place}),
        ("message.created", {
            "role": "assistant", "model": "demo/chat", "route": None, "demo": True,
            "parent_id": None, "conversation_id": None, **place,
        }),
    )  # fmt: skip


def done(number, message, path="", agent="helper"):
    place = {"path": path, "number": number, "agent": agent, "message_id": message}
    used = {"input_tokens": 10, "output_tokens": 2, "cost_usd": "0.03", "path": path}
    return (
        ("usage.updated", used),
        ("step.completed", {"step": "model", "counts": {}, **place}),
    )


def whole():
    """A run that thinks, waits for a person, asks another agent, dies once, and ends."""
    below = "2.d"
    sources = {"message_id": "m1", "path": "", "number": 1, "passage_id": str(uuid4())}
    return log(
        ("run.created", {"kind": "agent_run", "subject_id": None}),
        ("run.started", {"attempt": 1}),
        ("source.added", {**sources, "title": "Prices", "heading": "", "kind": "document"}),
        *model(1, "m1"),
        ("reasoning.delta", {"message_id": "m1", "text": "Hm"}),
        ("text.delta", {"message_id": "m1", "text": "I "}),
        ("reasoning.delta", {"message_id": "m1", "text": "so"}),
        ("text.delta", {"message_id": "m1", "text": "pay."}),
        *done(1, "m1"),
        ("tool.call", {**CALL, "arguments": {"q": 1}}),
        ("tool.approval_required", {
            **CALL, "arguments": {"q": 1}, "approval_id": APPROVAL, "reason": "always",
            "expires_at": "2027-01-01T00:00:00Z",
        }),
        ("run.paused", {"reason": "approval", "approvals": [APPROVAL]}),
        ("run.resumed", {"attempt": 2, "reason": "continued"}),
        ("tool.result", {**CALL, "text": "paid", "data": {"ok": True}}),
        *model(2, "m2"),
        ("run.resumed", {"attempt": 3, "reason": "process_lost"}),
        ("step.retrying", {
            "step": "model", "path": "", "number": 2, "reason": "process_lost", "retry_in": 0,
        }),
        *model(2, "m2b"),
        *done(2, "m2b"),
        ("tool.call", {**CALL, "number": 2, "call_id": "d", "name": "ask", "arguments": {}}),
        *model(1, "m3", below, "worker"),
        ("text.delta", {"message_id": "m3", "text": "inner"}),
        ("tool.error", {
            **CALL, "path": below, "agent": "worker", "text": "no", "code": "not_found",
        }),
        *done(1, "m3", below, "worker"),
        ("tool.result", {**CALL, "number": 2, "call_id": "d", "name": "ask", "text": "inner",
                         "data": None}),
        ("failover", {"message_id": "m3", "from": "a", "to": "b", "offset": 0, "reason": "x"}),
        ("something.new", {"path": "", "detail": [1, None]}),
        *model(3, "m4"),
        ("text.delta", {"message_id": "m4", "text": "Done."}),
        *done(3, "m4"),
        ("run.completed", {"result": {"text": "Done.", "output": "Done."}, "usage": USAGE}),
    )  # fmt: skip


def encoder(name):
    return AiSdkEncoder(RUN) if name == "ai-sdk" else AgUiEncoder(RUN, "thread")


def told(name, events):
    return [encoder_.feed(event) for encoder_ in [encoder(name)] for event in events]


def parts(block):
    lines = block.decode().splitlines()
    return [line[6:] for line in lines if line.startswith("data: ") and line != "data: [DONE]"]


@pytest.mark.parametrize("name", ["ai-sdk", "ag-ui"])
def test_the_same_log_is_the_same_bytes(name):
    events = whole()
    copies = [Event(each.seq, each.type, each.raw) for each in events]
    assert told(name, events) == told(name, copies)


@pytest.mark.parametrize("name", ["ai-sdk", "ag-ui"])
def test_what_is_told_bears_the_position_that_it_brings_the_client_to(name):
    for event, block in zip(whole(), told(name, whole()), strict=True):
        ids = [line for line in block.split(b"\n") if line.startswith(b"id: ")]
        assert ids == ([f"id: {RUN}:{event.seq}".encode()] if block else [])


def test_every_chunk_is_one_that_the_ai_sdk_knows():
    for part in parts(b"".join(told("ai-sdk", whole()))):
        chunk = json.loads(part)
        kind = chunk["type"]
        if kind in NEW:
            continue
        known = {"toolMetadata", "approvalDescriptor"}
        if kind == "tool-approval-request":
            known.add("reason")
        bare = {name: value for name, value in chunk.items() if name not in known}
        (ai.DataChunk if kind.startswith("data-") else CHUNKS[kind]).model_validate(bare)


def test_every_event_is_one_that_ag_ui_knows():
    for part in parts(b"".join(told("ag-ui", whole()))):
        event = AG_UI.validate_json(part)
        assert event.model_extra == {}, part


def test_parts_of_the_ai_sdk_come_in_the_order_of_the_log():
    chunks = [json.loads(part) for part in parts(b"".join(told("ai-sdk", whole())))]
    kinds = [each["type"] for each in chunks if not each["type"].startswith(("data", "message"))]
    assert kinds == [
        "start", "source-document", "start-step",
        "reasoning-start", "reasoning-delta", "reasoning-end",
        "text-start", "text-delta", "text-end",
        "reasoning-start", "reasoning-delta", "reasoning-end",
        "text-start", "text-delta", "text-end",
        "tool-input-available", "tool-approval-request", "tool-approval-response",
        "tool-output-available", "finish-step", "start-step", "reset-step",
        "tool-input-available", "tool-input-available", "tool-output-error",
        "tool-output-available", "finish-step", "start-step",
        "text-start", "text-delta", "text-end", "finish-step", "finish",
    ]  # fmt: skip
    assert [each["data"]["delta"] for each in chunks if each["type"] == "data-agent-text"] == [
        "inner"
    ]
    assert b"".join(told("ai-sdk", whole())).endswith(b"data: [DONE]\n\n")


def test_ag_ui_counts_each_stretch_by_itself_and_all_of_it_once():
    events = [json.loads(part) for part in parts(b"".join(told("ag-ui", whole())))]
    ended = [each for each in events if each["type"] == "RUN_FINISHED"]
    assert [each["runId"] for each in ended] == [str(RUN), f"{RUN}:2"]
    counted = [[entry["inputTokens"] for entry in each["usage"]] for each in ended]
    # 10 before the pause, 20 told of after it, and 30 in all by the end: one answer was free.
    assert counted == [[10], [30]]


def test_a_fork_tells_results_of_calls_that_are_not_in_its_log():
    events = log(
        ("run.created", {"kind": "agent_run", "subject_id": None}),
        ("tool.result", {**CALL, "text": "paid", "data": None}),
    )
    chunks = [json.loads(part)["type"] for part in parts(b"".join(told("ai-sdk", events)))]
    assert chunks == ["start", "tool-input-available", "tool-output-available"]
    spoken = [json.loads(part)["type"] for part in parts(b"".join(told("ag-ui", events)))]
    assert spoken == [
        "RUN_STARTED", "TOOL_CALL_START", "TOOL_CALL_ARGS", "TOOL_CALL_END", "TOOL_CALL_RESULT",
    ]  # fmt: skip


def test_a_client_hears_what_comes_after_it_was_asked():
    events = whole()
    heard = heard_to_answer([UUID(APPROVAL)])
    [paused] = [each.seq for each in events if each.type == "run.paused"]
    assert [each.seq for each in events if not heard(each)] == list(
        range(paused + 1, len(events) + 1)
    )
    to = heard_to(5)
    assert [to(each) for each in events[4:6]] == [True, False]
