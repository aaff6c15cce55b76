"""What A2A asks of an agent, done by runs. Loads the SDK: import it late."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final, NoReturn
from uuid import UUID

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
    UnsupportedOperationError,
)
from google.protobuf.json_format import ParseDict

from app.agents.a2a import crud, tasks
from app.agents.a2a.beginning import begun
from app.agents.a2a.cards import service_card
from app.agents.a2a.standing import Standing
from app.agents.definitions import service as definitions
from app.agents.definitions.schemas import AgentQuery
from app.agents.runtime.launching import Launcher
from app.core.auth import Access
from app.core.clock import now
from app.core.errors import AppError
from app.core.kernel import Kernel
from app.core.paging import CursorInvalid
from app.runs.runs import service as runs

USUAL_PAGE: Final = 50
MOST_A_PAGE: Final = 100


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
        standing = self._standing(context)
        async with _told():
            stand = await begun(standing, params)
            if not params.configuration.return_immediately and not stand.still:
                stand = await standing.settled(stand)
            return stand.task(history=params.configuration.history_length)

    @validate_request_params
    async def on_message_send_stream(
        self, params: SendMessageRequest, context: ServerCallContext
    ) -> AsyncGenerator[Event]:
        standing = self._standing(context)
        async with _told():
            stand = await begun(standing, params)
        async with aclosing(standing.followed(stand)) as events:
            async for event in events:
                yield event

    @validate_request_params
    async def on_subscribe_to_task(
        self, params: SubscribeToTaskRequest, context: ServerCallContext
    ) -> AsyncGenerator[Event]:
        standing = self._standing(context)
        async with _told():
            stand = await standing.known(params.id)
        if stand.ended:
            raise UnsupportedOperationError("The task has ended; get it instead.")
        async with aclosing(standing.followed(stand)) as events:
            async for event in events:
                yield event

    @validate_request_params
    async def on_get_task(self, params: GetTaskRequest, context: ServerCallContext) -> Task | None:
        async with _told():
            stand = await self._standing(context).known(params.id)
            return stand.task(history=params.history_length)

    @validate_request_params
    async def on_cancel_task(
        self, params: CancelTaskRequest, context: ServerCallContext
    ) -> Task | None:
        standing = self._standing(context)
        async with _told():
            stand = await standing.known(params.id)
            if stand.ended:
                raise TaskNotCancelableError
            async with standing.unit() as session:
                await runs.request_cancel(session, self._access, stand.run.id)
                self._launcher.runs.canceller(session)(stand.run.id)
            while not stand.ended:
                stand = await standing.settled(stand)
            return stand.task()

    @validate_request_params
    async def on_list_tasks(
        self, params: ListTasksRequest, context: ServerCallContext
    ) -> ListTasksResponse:
        standing = self._standing(context)
        async with _told(), standing.unit() as session:
            agent = await standing.agent(session)
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
                stand = await standing.with_approvals(session, run, execution)
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
        context: ServerCallContext,
    ) -> AgentCard:
        if self._named is not None or params.tenant:
            raise ExtendedAgentCardNotConfiguredError
        async with _told(), self._standing(context).unit() as session:
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

    def _standing(self, context: ServerCallContext) -> Standing:
        named = self._named or context.tenant
        return Standing(self._kernel, self._launcher, self._access, named)

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
