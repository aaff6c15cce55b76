"""What can be wrong with an agent, its versions, and what is imported as one."""

from collections.abc import Sequence

from app.core.errors import (
    Conflict,
    FieldError,
    NotFound,
    PermissionDenied,
    Unprocessable,
)

MOST_SHOWN = 50


class AgentNotFound(NotFound):
    code = "agent_not_found"
    title = "There is no such agent"


class AgentVersionNotFound(NotFound):
    code = "agent_version_not_found"
    title = "The agent has no such version"


class AgentLabelNotFound(NotFound):
    code = "agent_label_not_found"
    title = "The agent has no version with this label"


class AgentSlugTaken(Conflict):
    code = "agent_slug_taken"
    title = "Another agent has this slug"


class TooManyAgents(Conflict):
    code = "too_many_agents"
    title = "The workspace has as many agents as it may"


class TooManyVersions(Conflict):
    code = "too_many_agent_versions"
    title = "The agent has as many versions as it may"


class TooManyLabels(Conflict):
    code = "too_many_agent_labels"
    title = "The agent has as many labels as it may"


class AgentReadOnly(PermissionDenied):
    code = "agent_read_only"
    title = "The agent is shared with you to read"


class AgentNotYours(PermissionDenied):
    code = "agent_not_yours"
    title = "Only its owner may do this"


class DefinitionInvalid(Unprocessable):
    """Every mistake of a definition, each with its pointer."""

    code = "definition_invalid"
    title = "This definition cannot be used"

    def __init__(self, mistakes: Sequence[FieldError]) -> None:
        shown = tuple(mistakes[:MOST_SHOWN])
        said = "; ".join(f"{each.pointer}: {each.detail}" for each in shown[:3])
        super().__init__(said, errors=shown)


class VariablesInvalid(Unprocessable):
    """What was given for an agent's variables does not satisfy their schema."""

    code = "variables_invalid"
    title = "The agent's variables are not given as it wants them"

    def __init__(self, mistakes: Sequence[FieldError]) -> None:
        shown = tuple(mistakes[:MOST_SHOWN])
        said = "; ".join(f"{each.pointer}: {each.detail}" for each in shown[:3])
        super().__init__(said, errors=shown)


class InstructionsFailed(Unprocessable):
    """A template that compiles can still fail with what it is given."""

    code = "instructions_failed"
    title = "The agent's instructions cannot be rendered"

    def __init__(self, detail: str) -> None:
        wrong = FieldError("/definition/instructions", self.code, detail)
        super().__init__(f"The template of the instructions: {detail}.", errors=(wrong,))


class CapabilityMismatch(Conflict):
    """`errors` has one entry for each lack: what the agent needs, and who says it is missing."""

    code = "capability_mismatch"
    title = "The model cannot do what the agent needs"

    def __init__(self, model: str, lacks: Sequence[FieldError]) -> None:
        said = "; ".join(each.detail for each in lacks)
        super().__init__(
            f"{model}: {said}. Name another model, or set `on_mismatch` to `choose`.",
            errors=tuple(lacks),
        )


class DocumentUnreadable(Unprocessable):
    """`position` is the document's place among those that were sent."""

    code = "agent_document_unreadable"
    title = "This is no agent that can be read"

    def __init__(self, position: int, detail: str) -> None:
        pointer = f"/body/documents/{position}/content"
        super().__init__(
            f"Document {position + 1}: {detail}.", errors=(FieldError(pointer, self.code, detail),)
        )


class ExportUnfit(Conflict):
    code = "export_unfit"
    title = "The format has no words for this agent"
