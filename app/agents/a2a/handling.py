"""What A2A asks of an agent, done by runs. Loads the SDK: import it late."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NoReturn
from uuid import NAMESPACE_URL, UUID, uuid4, uuid5

from a2a.server.context import ServerCallContext
from a2a.server.events import Event
from a2a.server.request_handlers.request_handler import RequestHandler, validate_request_params
from a2a.types import (
    AgentCard,
    CancelTaskRequest,
    GetExtendedAgentCardRequest,
    GetTaskRequest,
    ListTasksRequest,
    ListTasksResponse,
    Message,
    SendMessageRequest,
    SubscribeToTaskRequest,
    Task,
)
from a2a.utils.errors import (
    A2AError,
    ExtendedAgentCardNotConfiguredError,
    InternalError,
    InvalidParamsError,
    PushNotificationNotSupportedError,
    TaskNotCancelableError,
    TaskNotFoundError,
    UnsupportedOperationError,
)
from google.protobuf.json_format import ParseDict  # type: ignore[import-untyped]

from app.agents.a2a import crud, tasks
from app.agents.a2a.cards import expect_name, service_card
from app.agents.definitions import service as definitions
from app.agents.definitions.models import Agent
from app.agents.definitions.schemas import AgentQuery
from app.agents.runtime import service as runtime
from app.agents.runtime.launching import Launcher, RunWanted
from app.agents.runtime.models import Execution, ToolApproval
from app.agents.runtime.schemas import ApprovalDecision
from app.core.auth import Access
from app.core.clock import now
from app.core.db import AsyncSession
from app.core.errors import AppError
from app.core.kernel import Kernel
from app.core.paging import CursorInvalid
from app.runs.events.event import Event as LogEvent
from app.runs.runs import service as runs
from app.runs.runs.models import Run

USUAL_PAGE: Final = 50
MOST_A_PAGE: Final = 100
LONGEST_ID: Final = 200


@dataclass(frozen=True, slots=True)
class Stand:
    """How a task stands."""

    run: Run
    execution: Execution
    waits_for: Sequence[ToolApproval] = ()

    @property
    def ended(self) -> bool:
        return self.run.status in tasks.ENDED

    @property
    def still(self) -> bool:
        """Whether nothing more will come by itself."""
        return self.ended or self.run.status == "paused"

    def task(self, *, history: int = 0, artifacts: bool = True) -> Task:
        return tasks.task_of(
            self.run, self.execution, self.waits_for, history=history, artifacts=artifacts
        )


class Pieces:
    """What the agent itself writes, as pieces of the task's output; a later step begins anew."""

    def __init__(self, stand: Stand) -> None:
        self._stand = stand
        self._own: set[str] = set()
        self._writing = ""

    def of(self, batch: Sequence[LogEvent]) -> Iterator[Event]:
        for event in batch:
            body = event.body
            if event.type == "message.created" and not body.get("path"):
                self._own.add(body["message_id"])
            elif event.type == "text.delta" and body["message_id"] in self._own:
                append = self._writing == body["message_id"]
                self._writing = body["message_id"]
                stand = self._stand
                yield tasks.text_update(stand.run, stand.execution, body["text"], append=append)


class AgentHandler(RequestHandler):
    """Serves one request of a caller; `agent` is what its path names, if it names one.

    `address` is where this service is reached.
    """

    def __init__(
        self,
        kernel: Kernel,
        launcher: Launcher,
        access: Access,
        agent: str | None,
        address: str,
    ) -> None:
        self._kernel = kernel
        self._launcher = launcher
        self._access = access
        self._named = agent
        self._address = address

    @validate_request_params
    async def on_message_send(
        self, params: SendMessageRequest, context: ServerCallContext
    ) -> Task | Message:
        async with _told():
            stand = await self._begun(params, context)
            if not params.configuration.return_immediately and not stand.still:
                await self._launcher.finished(self._access, stand.run.id)
                stand = await self._stand(stand.execution.agent_id, stand.run.id)
            return stand.task(history=params.configuration.history_length)

    @validate_request_params
    async def on_message_send_stream(
        self, params: SendMessageRequest, context: ServerCallContext
    ) -> AsyncGenerator[Event]:
        async with _told():
            stand = await self._begun(params, context)
        async with aclosing(self._followed(stand)) as events:
            async for event in events:
                yield event

    @validate_request_params
    async def on_subscribe_to_task(
        self, params: SubscribeToTaskRequest, context: ServerCallContext
    ) -> AsyncGenerator[Event]:
        async with _told():
            stand = await self._known(params.id, context)
        if stand.ended:
            raise UnsupportedOperationError("The task has ended; get it instead.")
        async with aclosing(self._followed(stand)) as events:
            async for event in events:
                yield event

    @validate_request_params
    async def on_get_task(self, params: GetTaskRequest, context: ServerCallContext) -> Task | None:
        async with _told():
            stand = await self._known(params.id, context)
            return stand.task(history=params.history_length)

    @validate_request_params
    async def on_cancel_task(
        self, params: CancelTaskRequest, context: ServerCallContext
    ) -> Task | None:
        async with _told():
            stand = await self._known(params.id, context)
            if stand.ended:
                raise TaskNotCancelableError
            async with self._unit() as session:
                await runs.request_cancel(session, self._access, stand.run.id)
                self._launcher.runs.canceller(session)(stand.run.id)
            while not stand.ended:
                await self._launcher.finished(self._access, stand.run.id)
                stand = await self._stand(stand.execution.agent_id, stand.run.id)
            return stand.task()

    @validate_request_params
    async def on_list_tasks(
        self, params: ListTasksRequest, context: ServerCallContext
    ) -> ListTasksResponse:
        async with _told(), self._unit() as session:
            agent = await self._agent(session, context)
            most = min(params.page_size or USUAL_PAGE, MOST_A_PAGE)
            wanted = [name for name, state in tasks.STATES.items() if state == params.status]
            after = params.status_timestamp_after
            binding = f"a2a:{self._access.workspace_id}:{agent.id}:{params.context_id}:{wanted}"
            found, total = await crud.page(
                session,
                self._access,
                agent.id,
                context=params.context_id or None,
                statuses=wanted if params.status else None,
                changed_after=min(after.ToDatetime(UTC), now()) if after.seconds > 0 else None,
                before=self._position(params.page_token, binding),
                most=most,
            )
            shown = found[:most]
            answer = ListTasksResponse(page_size=most, total_size=total)
            for run, execution in shown:
                stand = await self._with_approvals(session, run, execution)
                answer.tasks.append(
                    stand.task(history=params.history_length, artifacts=params.include_artifacts)
                )
            if len(found) > most:
                last = shown[-1][0]
                answer.next_page_token = self._kernel.cursors.encode(
                    [last.updated_at.isoformat(), str(last.id)], binding
                )
            return answer

    async def on_get_extended_agent_card(
        self,
        params: GetExtendedAgentCardRequest,
        context: ServerCallContext,  # noqa: ARG002 - the SDK's
    ) -> AgentCard:
        if self._named is not None or params.tenant:
            raise ExtendedAgentCardNotConfiguredError
        async with _told(), self._unit() as session:
            page = await definitions.page(
                session, self._access, AgentQuery(limit=200), self._kernel.cursors
            )
        card = service_card(self._address, page.data)
        told: AgentCard = ParseDict(card, AgentCard())
        return told

    async def on_create_task_push_notification_config(self, *_: Any) -> NoReturn:
        raise PushNotificationNotSupportedError

    async def on_get_task_push_notification_config(self, *_: Any) -> NoReturn:
        raise PushNotificationNotSupportedError

    async def on_list_task_push_notification_configs(self, *_: Any) -> NoReturn:
        raise PushNotificationNotSupportedError

    async def on_delete_task_push_notification_config(self, *_: Any) -> NoReturn:
        raise PushNotificationNotSupportedError

    def _unit(self) -> Any:
        return self._kernel.database.unit(self._access.scope)

    async def _agent(self, session: AsyncSession, context: ServerCallContext) -> Agent:
        """Raises InvalidParamsError where none is named, and AgentNotFound."""
        named = self._named or context.tenant
        if not named:
            raise InvalidParamsError("Name an agent as the `tenant`, or by the address.")
        expect_name(named)
        return (await definitions.resolve(session, self._access, named, None, None))[0]

    async def _begun(self, params: SendMessageRequest, context: ServerCallContext) -> Stand:
        """The task that a message begins, goes on with, or has begun before."""
        message = params.message
        if params.configuration.HasField("task_push_notification_config"):
            raise PushNotificationNotSupportedError
        if len(message.message_id) > LONGEST_ID or len(message.context_id) > LONGEST_ID:
            raise InvalidParamsError(f"An id has at most {LONGEST_ID} characters.")
        if message.task_id:
            return await self._decided(message, await self._known(message.task_id, context))
        async with self._unit() as session:
            agent = await self._agent(session, context)
            before = await self._before(session, agent, message.context_id)
        asked = tasks.asked_by(message)
        turn = {"role": "user", "content": asked}
        run = await self._launcher.start(
            self._access,
            RunWanted(
                agent=str(agent.id),
                input=[*before, turn],
                metadata={crud.CONTEXT: message.context_id or str(uuid4()), "started_by": "a2a"},
                run_id=self._run_id(agent, message),
            ),
        )
        return await self._stand(agent.id, run.id)

    def _run_id(self, agent: Agent, message: Message) -> UUID:
        """The same for a message that is sent again."""
        access = self._access
        named = f"{access.workspace_id}/{access.user_id}/{agent.id}/{message.message_id}"
        return uuid5(NAMESPACE_URL, f"a2a:{named}")

    async def _before(
        self, session: AsyncSession, agent: Agent, context_id: str
    ) -> list[dict[str, Any]]:
        if not context_id:
            return []
        return tasks.turns_of(await crud.turns(session, self._access, agent.id, context_id))

    async def _decided(self, message: Message, stand: Stand) -> Stand:
        """A task that waits for a decision, with the one that the message brings."""
        if stand.run.status != "paused":
            raise UnsupportedOperationError(
                f"The task is {stand.run.status}; begin another one in its context."
            )
        said = tasks.data_of(message)
        approval_id = tasks.id_of(str(said.get("approval_id")))
        if approval_id not in {each.id for each in stand.waits_for}:
            raise InvalidParamsError("Send data with the `approval_id` that the task waits for.")
        try:
            decision = ApprovalDecision(
                decision=said.get("decision"), note=str(said.get("note") or "")
            )
        except ValueError:
            raise InvalidParamsError("`decision` is `approve` or `decline`.") from None
        async with self._unit() as session:
            await runtime.decide(session, self._access, self._launcher.runs, approval_id, decision)
        return await self._stand(stand.execution.agent_id, stand.run.id)

    async def _known(self, task_id: str, context: ServerCallContext) -> Stand:
        """Raises TaskNotFoundError."""
        run_id = tasks.id_of(task_id)
        async with self._unit() as session:
            agent = await self._agent(session, context)
        if run_id is None:
            raise TaskNotFoundError
        return await self._stand(agent.id, run_id)

    async def _stand(self, agent_id: UUID | None, run_id: UUID) -> Stand:
        async with self._unit() as session:
            found = agent_id and await crud.get(session, self._access, agent_id, run_id)
            if not found:
                raise TaskNotFoundError
            return await self._with_approvals(session, *found)

    async def _with_approvals(self, session: AsyncSession, run: Run, execution: Execution) -> Stand:
        if run.status != "paused":
            return Stand(run, execution)
        known = await runtime.approvals(session, self._access, run.id)
        return Stand(run, execution, [each for each in known if each.status == "pending"])

    async def _followed(self, stand: Stand) -> AsyncGenerator[Event]:
        """The task as it is, and then what happens to it until it has ended or waits."""
        yield stand.task()
        if stand.still:
            return
        pieces = Pieces(stand)
        async with aclosing(self._launcher.runs.reader.events(stand.run, 0)) as batches:
            async for batch in batches:
                for piece in pieces.of(batch):
                    yield piece
                if batch[-1].type != "run.paused" and not batch[-1].terminal:
                    continue
                stand = await self._stand(stand.execution.agent_id, stand.run.id)
                if stand.still:
                    break
        if stand.run.status == "completed":
            yield tasks.output_update(stand.run, stand.execution)
        yield tasks.status_update(stand.run, stand.execution, stand.waits_for)

    def _position(self, token: str, binding: str) -> tuple[datetime, UUID] | None:
        if not token:
            return None
        try:
            moment, run_id = self._kernel.cursors.decode(token, binding)
        except CursorInvalid:
            raise InvalidParamsError("The page token is not one of this list.") from None
        return datetime.fromisoformat(moment), UUID(run_id)


@asynccontextmanager
async def _told() -> AsyncIterator[None]:
    """Tell our own errors as the protocol's."""
    try:
        yield
    except AppError as error:
        raise _as_a2a(error) from error


def _as_a2a(error: AppError) -> A2AError:
    kind: type[A2AError] = InvalidParamsError if error.status < 500 else InternalError
    return kind(error.detail, {"code": error.code, "status": str(error.status)})
