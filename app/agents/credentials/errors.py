"""What can be wrong with a credential of tools."""

from app.core.errors import Conflict, NotFound, Unprocessable


class ToolCredentialNotFound(NotFound):
    code = "tool_credential_not_found"
    title = "There is no such credential"


class ToolCredentialNameTaken(Conflict):
    code = "tool_credential_name_taken"
    title = "Another credential of this workspace has that name"


class ToolCredentialUnusable(Conflict):
    """Its secret was destroyed with its deletion, is of another kind, or does not open."""

    code = "tool_credential_unusable"
    title = "The credential cannot be used"


class ToolSecretNeeded(Unprocessable):
    code = "tool_secret_needed"
    title = "Other hosts need the secret again"
