"""What is posted to a trigger's address: checked, read, and delivered once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qsl
from uuid import UUID

import orjson

from app.agents.definitions.json_schemas import mistakes
from app.automation.triggers import crud, deliveries_crud, signatures, tokens
from app.automation.triggers.errors import (
    FormInvalid,
    FormNotFound,
    HookBodyTooLarge,
    HookBodyUnreadable,
    HookNotFound,
    WorkflowTriggerDisabled,
)
from app.automation.triggers.firing import (
    Came,
    deliver,
    deliver_again,
    expect_end,
    refuse,
    run_id_of,
)
from app.automation.triggers.keeping import secrets_of
from app.automation.triggers.mapping import came
from app.automation.triggers.models import WorkflowTrigger
from app.automation.triggers.schemas import WorkflowHookAccepted
from app.automation.triggers.telling import headers_shown, query_shown
from app.core.causes import runs_behind
from app.core.clock import now
from app.core.db import SYSTEM, AsyncSession, Scope
from app.core.errors import AppError
from app.core.ids import new_id
from app.core.json_limits import holds_nul, too_deep
from app.core.kernel import Kernel
from app.core.limits import Limit

MOST_BODY: Final = 1024 * 1024
MOST_FIELDS: Final = 1000
MOST_KEY: Final = 200
CALLS: Final = Limit("workflow-hook", 1200, 60)
REFUSALS: Final = Limit("workflow-hook-refusals", 30, 60)


@dataclass(frozen=True, slots=True)
class Posted:
    """What came over HTTP; the names of `headers` in lower case."""

    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes


async def receive(kernel: Kernel, token: str, posted: Posted) -> WorkflowHookAccepted:
    """Have the trigger's workflow run; a message that came before is the same run.

    Raises HookNotFound, RateLimited, HookBodyTooLarge, WorkflowTriggerDisabled, ChainTooLong, and
    what is wrong with the signature or the body: the trigger's deliveries tell of these, too.
    """
    trigger = await addressed(kernel, token, "webhook")
    if trigger is None:
        raise HookNotFound
    verdict = await kernel.admission.admit_to(f"hook:{trigger.id}", CALLS)
    if verdict.refused:
        raise verdict.refusal()
    try:
        coming = _checked(kernel, trigger, posted)
    except AppError as error:
        await _told(kernel, trigger, error)
        raise
    async with kernel.database.unit(Scope(trigger.workspace_id, trigger.owner_id)) as session:
        made = await deliver(session, kernel, trigger, coming)
        if made is None:
            made = await _before(session, kernel, trigger, coming.key)
    return WorkflowHookAccepted(delivery_id=made, run_id=run_id_of(trigger, coming.key))


async def addressed(kernel: Kernel, token: str, kind: str) -> WorkflowTrigger | None:
    """The living trigger that a token leads to, if it leads to one of this kind."""
    trigger_id = tokens.trigger_of(token)
    if trigger_id is None:
        return None
    async with kernel.database.unit(SYSTEM) as session:
        found = await crud.addressed(session, trigger_id)
    if found is None or found.kind != kind:
        return None
    return found if tokens.is_good(kernel.vault, token, found.id, found.token_number) else None


async def submit(
    session: AsyncSession, kernel: Kernel, trigger: WorkflowTrigger, filled_in: dict[str, Any]
) -> WorkflowHookAccepted:
    """Have the form's workflow run. Raises FormInvalid and ChainTooLong."""
    wrong = mistakes(trigger.settings["json_schema"], filled_in, "/body/data")
    if wrong:
        raise FormInvalid(tuple(wrong))
    depth = expect_end(runs_behind())
    coming = Came(f"form:{trigger.id}:{new_id()}", came(body=filled_in), depth)
    made = await deliver(session, kernel, trigger, coming)
    if made is None:
        raise RuntimeError("a key with an id of its own is new")
    return WorkflowHookAccepted(delivery_id=made, run_id=run_id_of(trigger, coming.key))


async def public_form(kernel: Kernel, token: str) -> WorkflowTrigger:
    """One for everybody; raises FormNotFound."""
    trigger = await addressed(kernel, token, "form")
    if trigger is None or not trigger.enabled or trigger.settings["access"] != "public":
        raise FormNotFound
    return trigger


async def workspace_form(
    session: AsyncSession, workspace_id: UUID, trigger_id: UUID
) -> WorkflowTrigger:
    """One for the members of the workspace; raises FormNotFound."""
    trigger = await crud.living(session, workspace_id, trigger_id)
    if trigger is None or trigger.kind != "form" or not trigger.enabled:
        raise FormNotFound
    return trigger


def _checked(kernel: Kernel, trigger: WorkflowTrigger, posted: Posted) -> Came:
    if not trigger.enabled:
        raise WorkflowTriggerDisabled
    if len(posted.body) > MOST_BODY:
        raise HookBodyTooLarge(f"At most {MOST_BODY:,} bytes.")
    keys = secrets_of(kernel.vault, trigger, now())
    key = _proven(trigger.settings["verification"], posted, keys, now())
    body = _read(posted)
    query = query_shown(posted.query, trigger.settings)
    headers = headers_shown(posted.headers, trigger.settings)
    event = {"query": query, "received_at": now().isoformat()}
    what = came(event=event, body=body, headers=headers)
    return Came(f"webhook:{trigger.id}:{key}", what, expect_end(runs_behind()))


def _proven(how: dict[str, Any], posted: Posted, keys: list[str], at: datetime) -> str:
    """What is the same if the same message comes again."""
    headers, fresh = posted.headers, str(new_id())
    if how["type"] == "standard_webhooks":
        tolerance = how["tolerance_seconds"]
        return signatures.check_standard(headers, posted.body, keys, at, tolerance)
    if how["type"] == "hmac_sha256":
        digest = signatures.check_hmac(headers, posted.body, keys, how["header"], how["prefix"])
        return fresh if how["accept_repeats"] else digest
    given = headers.get("idempotency-key", "")
    return given if 0 < len(given) <= MOST_KEY else fresh


def _read(posted: Posted) -> Any:
    """JSON, the fields of a form, or a text; raises HookBodyUnreadable."""
    kind = posted.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        if kind == "application/json" or kind.endswith("+json"):
            value = orjson.loads(posted.body)
            if too_deep(posted.body, value) is None and holds_nul(posted.body, value) is None:
                return value
            raise HookBodyUnreadable("It is nested too deeply, or a text in it holds NUL.")
        text = posted.body.decode()
        if kind == "application/x-www-form-urlencoded":
            value = dict(parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS))
            text = "".join((*value, *value.values()))
        else:
            value = text
    except ValueError as error:
        raise HookBodyUnreadable(f"It is not what its Content-Type says: {error}") from None
    if "\x00" in text:
        raise HookBodyUnreadable("It holds the NUL character.")
    return value


async def _told(kernel: Kernel, trigger: WorkflowTrigger, error: AppError) -> None:
    """Have the owner see what was refused; of a flood, a part."""
    verdict = await kernel.admission.admit_to(f"hook:{trigger.id}", REFUSALS)
    if not verdict.refused:
        async with kernel.database.unit(Scope(trigger.workspace_id, trigger.owner_id)) as session:
            await refuse(session, trigger, f"refused:{new_id()}", error)


async def _before(
    session: AsyncSession, kernel: Kernel, trigger: WorkflowTrigger, key: str
) -> UUID:
    """The delivery of a message that came before; one that came to nothing is tried anew."""
    found = await deliveries_crud.of_key(session, trigger.workspace_id, trigger.id, key)
    if found is None:
        raise RuntimeError("what could not be added is there")
    await deliver_again(session, kernel, trigger.workspace_id, found.id)
    return found.id
