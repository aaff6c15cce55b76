"""What a message of A2A begins, or decides. Loads the SDK: import it late."""

from typing import Any, Final
from uuid import NAMESPACE_URL, UUID, uuid4, uuid5

from a2a.types import Message, SendMessageRequest
from a2a.utils.errors import (
    InvalidParamsError,
    PushNotificationNotSupportedError,
    UnsupportedOperationError,
)

from app.agents.a2a import crud, tasks
from app.agents.a2a.standing import Stand, Standing
from app.agents.definitions.models import Agent
from app.agents.runtime import service as runtime
from app.agents.runtime.launching import RunWanted
from app.agents.runtime.schemas import ApprovalDecision
from app.agents.runtime.tree import STARTED_BY
from app.core.auth import Access
from app.core.db import AsyncSession

LONGEST_ID: Final = 200


async def begun(standing: Standing, params: SendMessageRequest) -> Stand:
    """The task that a message begins, goes on with, or has begun before."""
    message = params.message
    if params.configuration.HasField("task_push_notification_config"):
        raise PushNotificationNotSupportedError
    if len(message.message_id) > LONGEST_ID or len(message.context_id) > LONGEST_ID:
        raise InvalidParamsError(f"An id has at most {LONGEST_ID} characters.")
    if message.task_id:
        return await _decided(standing, message)
    async with standing.unit() as session:
        agent = await standing.agent(session)
        before = await _before(session, standing.access, agent, message.context_id)
    asked = tasks.asked_by(message)
    turn = {"role": "user", "content": asked}
    run = await standing.launcher.start(
        standing.access,
        RunWanted(
            agent=str(agent.id),
            input=[*before, turn],
            metadata={crud.CONTEXT: message.context_id or str(uuid4()), STARTED_BY: "a2a"},
            run_id=_run_id(standing.access, agent, message),
        ),
    )
    return await standing.stand(agent.id, run.id)


async def _decided(standing: Standing, message: Message) -> Stand:
    """A task that waits for a decision, with the one that the message brings."""
    stand = await standing.known(message.task_id)
    if stand.run.status != "paused":
        raise UnsupportedOperationError(
            f"The task is {stand.run.status}; begin another one in its context."
        )
    said = tasks.data_of(message)
    approval_id = tasks.id_of(str(said.get("approval_id")))
    if approval_id not in {each.id for each in stand.waits_for}:
        raise InvalidParamsError("Send data with the `approval_id` that the task waits for.")
    try:
        decision = ApprovalDecision(decision=said.get("decision"), note=str(said.get("note") or ""))
    except ValueError:
        raise InvalidParamsError("`decision` is `approve` or `decline`.") from None
    async with standing.unit() as session:
        running = standing.launcher.runs
        await runtime.decide(session, standing.access, running, approval_id, decision)
    return await standing.stand(stand.execution.agent_id, stand.run.id)


def _run_id(access: Access, agent: Agent, message: Message) -> UUID:
    """The same for a message that is sent again."""
    named = f"{access.workspace_id}/{access.user_id}/{agent.id}/{message.message_id}"
    return uuid5(NAMESPACE_URL, f"a2a:{named}")


async def _before(
    session: AsyncSession, access: Access, agent: Agent, context_id: str
) -> list[dict[str, Any]]:
    if not context_id:
        return []
    return tasks.turns_of(await crud.turns(session, access, agent.id, context_id))
