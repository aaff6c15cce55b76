"""What can be wrong with running code."""

from app.core.errors import Unavailable


class SandboxUnavailable(Unavailable):
    code = "sandbox_unavailable"
    title = "This host cannot keep code in"
    retryable = False


class SandboxFailed(Unavailable):
    code = "sandbox_failed"
    title = "The process for the code could not be started"
