"""Beginning to generate a template."""

from app.agents.templates.generation.work import KIND
from app.agents.templates.schemas import TemplateGenerate
from app.core.auth import Access
from app.core.db import AsyncSession
from app.core.ids import new_id
from app.inference.calls.calls import Calls
from app.inference.calls.order import Order
from app.inference.calls.remembering import remembered
from app.inference.routing.plan import Question
from app.inference.usage.payer import payer_of
from app.runs.runs import service as runs
from app.runs.runs.models import Run


async def expect_model(calls: Calls, access: Access, model: str | None) -> None:
    """Raises ModelUnknown, NoModel, ModelNotAllowed and NoCandidate."""
    payer = payer_of(access, KIND, new_id())
    await calls.plan(Order(payer, Question(model), access.rules, access))


async def begin(
    session: AsyncSession, access: Access, executor_id: str, wish: TemplateGenerate
) -> Run:
    """The run that writes the template; it is to be launched once this has committed."""
    return await runs.create(
        session,
        access,
        executor_id=executor_id,
        kind=KIND,
        input={**wish.model_dump(mode="json"), **remembered(access)},
    )
