"""Triggers as they are shown."""

from typing import Any

from app.automation.triggers import tokens
from app.automation.triggers.models import WorkflowDelivery, WorkflowTrigger
from app.automation.triggers.schemas import (
    WorkflowDeliveryRead,
    WorkflowFired,
    WorkflowFormRead,
    WorkflowTriggerCreated,
    WorkflowTriggerRead,
)
from app.core.auth import Access
from app.core.kernel import Kernel

HOOKS = "/hooks"
FORMS = "/v1/workflow-forms"
_VERIFICATION = ("tolerance_seconds", "header", "prefix", "accept_repeats")
_SAME = (
    "id", "workflow_id", "owner_id", "name", "kind", "workflow_version", "label", "inputs",
    "enabled", "disabled_reason", "next_at", "last_fired_at", "failures", "max_failures",
    "created_at", "updated_at", "deleted_at", "restorable_until", "version",
)  # fmt: skip


def read(kernel: Kernel, access: Access, trigger: WorkflowTrigger) -> WorkflowTriggerRead:
    """Its address is for its owner alone."""
    return WorkflowTriggerRead.model_validate(_told(kernel, access, trigger))


def created(
    kernel: Kernel, access: Access, trigger: WorkflowTrigger, secret: str | None
) -> WorkflowTriggerCreated:
    told = _told(kernel, access, trigger)
    return WorkflowTriggerCreated.model_validate({**told, "secret": secret})


def fired(delivery: WorkflowDelivery, inputs: dict[str, Any]) -> WorkflowFired:
    told = WorkflowDeliveryRead.model_validate(delivery).model_dump()
    return WorkflowFired.model_validate({**told, "inputs": inputs})


def form(trigger: WorkflowTrigger) -> WorkflowFormRead:
    return WorkflowFormRead.model_validate(trigger.settings)


def _told(kernel: Kernel, access: Access, trigger: WorkflowTrigger) -> dict[str, Any]:
    on = {"kind": trigger.kind, **trigger.settings}
    if trigger.kind == "webhook":
        verification = on["verification"]
        none = dict.fromkeys(_VERIFICATION)
        known = {name: value for name, value in verification.items() if name != "allow_unsigned"}
        on["verification"] = {**none, **known}
        on.setdefault("query", [])
    return {
        **{name: getattr(trigger, name) for name in _SAME},
        "on": on,
        "url": _url(kernel, trigger) if trigger.owner_id == access.user_id else None,
        "previous_secret_until": trigger.previous_until,
    }


def _url(kernel: Kernel, trigger: WorkflowTrigger) -> str | None:
    base = kernel.settings.public_url.rstrip("/")
    token = tokens.make(kernel.vault, trigger.id, trigger.token_number)
    if trigger.kind == "webhook":
        return f"{base}{HOOKS}/{token}"
    if trigger.kind == "form" and trigger.settings["access"] == "public":
        return f"{base}{FORMS}/{token}"
    return f"{base}/v1/workflow-triggers/{trigger.id}/form" if trigger.kind == "form" else None
