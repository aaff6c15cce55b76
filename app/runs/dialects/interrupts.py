"""What a run waits for, as the interrupts of AG-UI."""

from typing import Any, Final

from app.runs.dialects.encoder import Body

_AGREEMENT: Final = {
    "type": "object",
    "properties": {"approved": {"type": "boolean"}, "note": {"type": "string"}},
    "required": ["approved"],
}
_BUDGET: Final = {"type": "object", "properties": {"budget_usd": {"type": "string"}}}


def agreement(body: Body, call_id: str) -> dict[str, Any]:
    """A person must agree to a call."""
    return {
        "id": body["approval_id"],
        "reason": "tool_call",
        "message": f"{body['agent']} wants to call {body['name']}.",
        "toolCallId": call_id,
        "responseSchema": _AGREEMENT,
        "expiresAt": body["expires_at"],
        "metadata": {name: body[name] for name in ("name", "arguments", "reason")},
    }


def waiting(run_id: str, body: Body) -> dict[str, Any]:
    """Something else, a budget say: named by the run and the place in its log."""
    told: dict[str, Any] = {"id": f"{run_id}:{body['seq']}", "reason": body["reason"]}
    if detail := (body.get("error") or {}).get("detail"):
        told["message"] = detail
    if body["reason"] == "budget":
        told["responseSchema"] = _BUDGET
    return told
