"""The one model that pydantic-ai's loop knows: ours, behind routing, failover and budgets."""

from dataclasses import dataclass

from pydantic_ai.messages import ModelMessage, ModelResponse
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.settings import ModelSettings

from app.agents.runtime.asking import Asking
from app.agents.runtime.prompting import conversation_of, response_of
from app.agents.runtime.words import restored


@dataclass(init=False)
class GatewayModel(Model):
    """Asks for one agent of a run; each answer is a step of the journal, asked for once."""

    def __init__(self, asking: Asking) -> None:
        super().__init__()
        self._asking = asking

    @property
    def model_name(self) -> str:
        return "gateway"

    @property
    def system(self) -> str:
        return "gateway"

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,  # noqa: ARG002 - the definition has them
        model_request_parameters: ModelRequestParameters,  # noqa: ARG002 - so has it tools
    ) -> ModelResponse:
        asking = self._asking
        number = 1 + sum(isinstance(each, ModelResponse) for each in messages)
        conversation = conversation_of(messages, asking.journal.answers(asking.path))
        step = await asking.asked(number, conversation)
        return response_of(restored((step.outcome or {})["parts"]))
