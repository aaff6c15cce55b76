"""What a trigger keeps of how it was asked for: its settings, checked, and its secrets, sealed."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.agents.definitions.json_schemas import mistake_in
from app.automation.language.checks.words import takes_objects
from app.automation.triggers import mapping, signatures
from app.automation.triggers.cron import CronUnfit, check
from app.automation.triggers.errors import WorkflowTriggerInvalid
from app.automation.triggers.kinds import (
    CronTrigger,
    EventTrigger,
    FormTrigger,
    StandardWebhooks,
    Unsigned,
    WebhookTrigger,
)
from app.automation.triggers.models import WorkflowTrigger
from app.automation.triggers.ticking import schedule_of
from app.core.crypto import UnreadableSecret, Vault

Wanted = CronTrigger | WebhookTrigger | EventTrigger | FormTrigger


def settings_kept(wanted: Wanted) -> dict[str, Any]:
    """All of it but a secret; raises WorkflowTriggerInvalid for what could never fire."""
    settings = wanted.model_dump(mode="json", exclude={"kind", "secret"})
    if isinstance(wanted, CronTrigger):
        try:
            check(schedule_of(settings))
        except CronUnfit as error:
            field = "time_zone" if "time zone" in str(error) else "expression"
            raise WorkflowTriggerInvalid(f"/body/on/{field}", str(error)) from None
    elif isinstance(wanted, EventTrigger):
        mapping.check_match(wanted.match)
    elif isinstance(wanted, FormTrigger):
        if (mistake := mistake_in(wanted.json_schema)) is not None:
            raise WorkflowTriggerInvalid("/body/on/json_schema", mistake)
        if not takes_objects(wanted.json_schema):
            raise WorkflowTriggerInvalid("/body/on/json_schema/type", "must be `object`")
    else:
        _check_secret(wanted)
    return settings


def expect_one_version(version: int | None, label: str | None) -> None:
    """Raises WorkflowTriggerInvalid."""
    if version is not None and label is not None:
        said = "give at most one of `workflow_version` and `label`: the other is null"
        raise WorkflowTriggerInvalid("/body/label", said)


def check_inputs(inputs: Mapping[str, Any] | None) -> None:
    """Raises WorkflowTriggerInvalid."""
    mapping.check(inputs)


def seal_first(vault: Vault, trigger: WorkflowTrigger, wanted: Wanted) -> str | None:
    """Give a webhook its secret, and say it once; None where nothing is signed."""
    if not isinstance(wanted, WebhookTrigger) or isinstance(wanted.verification, Unsigned):
        return None
    secret = wanted.secret or signatures.make_secret()
    trigger.sealed_secret = vault.seal(secret, context=_context(trigger))
    return secret


def seal_next(
    vault: Vault, trigger: WorkflowTrigger, wanted: Wanted | None, until: datetime
) -> str | None:
    """Have the given secret, or a fresh one, take the place of the present one.

    That one is good `until` then. Where `wanted` brings no secret, all stays as it is, but that
    what is signed from now on needs one. None where there is no other secret than before.
    """
    if trigger.kind != "webhook" or trigger.settings["verification"]["type"] == "none":
        return None
    given = wanted.secret if isinstance(wanted, WebhookTrigger) else None
    if wanted is not None and given is None and trigger.sealed_secret is not None:
        return None
    secret = given or signatures.make_secret()
    if trigger.sealed_secret is not None:
        trigger.sealed_previous, trigger.previous_until = trigger.sealed_secret, until
    trigger.sealed_secret = vault.seal(secret, context=_context(trigger))
    return secret


def secrets_of(vault: Vault, trigger: WorkflowTrigger, at: datetime) -> list[str]:
    """Those that are good at this moment; one that does not open is good for nothing."""
    sealed = [trigger.sealed_secret]
    if trigger.previous_until is not None and at < trigger.previous_until:
        sealed.append(trigger.sealed_previous)
    found = []
    for each in sealed:
        try:
            found += [vault.open(each, context=_context(trigger))] if each is not None else []
        except UnreadableSecret:
            continue
    return found


def _check_secret(wanted: WebhookTrigger) -> None:
    if wanted.secret is None or not isinstance(wanted.verification, StandardWebhooks):
        return
    try:
        signatures.key_of(wanted.secret)
    except signatures.SecretUnfit as error:
        raise WorkflowTriggerInvalid("/body/on/secret", str(error)) from None


def _context(trigger: WorkflowTrigger) -> str:
    return f"workflow_triggers/{trigger.id}"
