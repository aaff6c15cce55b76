"""What can be wrong with a guardrail, and what it says when it stops a call."""

from app.core.errors import BadRequest, NotFound, Unavailable, Unprocessable


class GuardrailNotFound(NotFound):
    code = "guardrail_not_found"
    title = "There is no such guardrail"


class GuardrailInvalid(Unprocessable):
    code = "guardrail_invalid"
    title = "The guardrail cannot work as it is written"


class GuardrailRefused(BadRequest):
    """A policy refused what was asked, or the answer; never tells what it found."""

    code = "guardrail_refused"
    title = "A guardrail refused this"

    def __init__(self, policy: str, check: str, label: str, *, stage: str) -> None:
        what = "request" if stage == "input" else "answer"
        super().__init__(f"The {what} was refused by the guardrail '{policy}' ({check}: {label}).")
        self.policy, self.check, self.label, self.stage = policy, check, label, stage


class GuardrailUnavailable(Unavailable):
    """A check that fails closed could not be made."""

    code = "guardrail_unavailable"
    title = "A guardrail could not be checked"

    def __init__(self, policy: str, check: str) -> None:
        super().__init__(
            f"The guardrail '{policy}' ({check}) could not be checked; try again.", retry_after=5
        )
