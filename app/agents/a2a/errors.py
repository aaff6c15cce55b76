"""What can be wrong with agents of other services."""

from app.core.errors import Conflict, FieldError, NotFound, Unprocessable


class A2aAgentNotFound(NotFound):
    code = "a2a_agent_not_found"
    title = "There is no such agent of another service"


class A2aAgentSlugTaken(Conflict):
    code = "a2a_agent_slug_taken"
    title = "Another agent of another service has this slug"


class TooManyA2aAgents(Conflict):
    code = "too_many_a2a_agents"
    title = "The workspace has as many agents of other services as it may"


class CardUnusable(Unprocessable):
    code = "a2a_card_unusable"
    title = "The agent's card cannot be used"

    def __init__(self, detail: str) -> None:
        wrong = FieldError("/body/card_url", self.code, "leads to no card that can be used")
        super().__init__(detail, errors=(wrong,))
