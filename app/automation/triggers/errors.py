"""What can be wrong with a trigger, and with what comes to one."""

from app.core.errors import (
    BadRequest,
    Conflict,
    FieldError,
    NotFound,
    PayloadTooLarge,
    PermissionDenied,
    Unauthenticated,
    Unprocessable,
)


class WorkflowTriggerNotFound(NotFound):
    code = "workflow_trigger_not_found"
    title = "There is no such trigger"


class WorkflowDeliveryNotFound(NotFound):
    code = "workflow_delivery_not_found"
    title = "The trigger has no such delivery"


class TooManyWorkflowTriggers(Conflict):
    code = "too_many_workflow_triggers"
    title = "The workspace has as many triggers as it may"


class WorkflowTriggerInvalid(Unprocessable):
    """`pointer` leads to what is wrong, in the body."""

    code = "workflow_trigger_invalid"
    title = "This trigger could never fire as it is"

    def __init__(self, pointer: str, detail: str) -> None:
        super().__init__(detail, errors=(FieldError(pointer, self.code, detail),))


class WorkflowInputsInvalid(Unprocessable):
    """A template of `inputs` cannot be written with what came."""

    code = "workflow_trigger_inputs_invalid"
    title = "The inputs cannot be made of what came"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, errors=(FieldError("/body", self.code, detail),))


class NoTimes(Conflict):
    code = "workflow_trigger_without_times"
    title = "Only cron triggers have times"


class NoSecret(Conflict):
    code = "workflow_trigger_without_secret"
    title = "The trigger has nothing of this kind to rotate"


class WorkflowTriggerDisabled(Conflict):
    code = "workflow_trigger_disabled"
    title = "The trigger is switched off"


class WorkflowDeliveryTaken(Conflict):
    code = "workflow_delivery_taken"
    title = "Only a delivery that was skipped or has failed is tried anew"


class HookNotFound(NotFound):
    code = "workflow_hook_not_found"
    title = "Nothing listens at this address"


class HookSignatureInvalid(Unauthenticated):
    code = "workflow_hook_signature_invalid"
    title = "The signature does not fit"


class HookTooOld(Unauthenticated):
    code = "workflow_hook_timestamp_invalid"
    title = "The message is too old, or of the future"


class HookBodyTooLarge(PayloadTooLarge):
    code = "workflow_hook_body_too_large"
    title = "The body is too large"


class HookBodyUnreadable(BadRequest):
    code = "workflow_hook_body_unreadable"
    title = "The body cannot be read"


class FormNotFound(NotFound):
    code = "workflow_form_not_found"
    title = "There is no such form"


class WorkflowTriggerNotYours(PermissionDenied):
    code = "workflow_trigger_not_yours"
    title = "Only the owner of the trigger may do this"


class FormInvalid(Unprocessable):
    """`mistakes` are what is wrong with each field."""

    code = "workflow_form_invalid"
    title = "The form is not filled in as it asks"

    def __init__(self, mistakes: tuple[FieldError, ...]) -> None:
        super().__init__("; ".join(each.detail for each in mistakes[:3]), errors=mistakes)


class ChainTooLong(Conflict):
    """A workflow that starts itself by its own events would never end."""

    code = "workflow_chain_too_long"
    title = "Too many runs have begun one another by their events"


class TriggerKeyEnded(Conflict):
    code = "workflow_trigger_key_ended"
    title = "The API key that the trigger was made with is gone"


class TriggerOwnerLacks(PermissionDenied):
    code = "workflow_trigger_owner_lacks_right"
    title = "The trigger's owner may not run workflows any more"


class VersionAuthorLacks(PermissionDenied):
    """Nobody who may run workflows answers for the version that the trigger would start."""

    code = "workflow_trigger_author_lacks_right"
    title = "Whoever wrote this version of the workflow may not run workflows any more"
