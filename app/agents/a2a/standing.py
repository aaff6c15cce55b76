"""How the tasks of a caller stand, and what happens to them. Loads the SDK: import it late."""

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from a2a.server.events import Event
from a2a.types import Task
from a2a.utils.errors import InvalidParamsError, TaskNotFoundError

from app.agents.a2a import crud, tasks
from app.agents.a2a.cards import expect_name
from app.agents.definitions import service as definitions
from app.agents.definitions.models import Agent
from app.agents.runtime import service as runtime
from app.agents.runtime.launching import Launcher
from app.agents.runtime.models import Execution, ToolApproval
from app.core.auth import Access
from app.core.db import AsyncSession
from app.core.kernel import Kernel
from app.runs.events.event import Event as LogEvent
from app.runs.runs.models import Run


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


@dataclass(frozen=True, slots=True)
class Standing:
    """The tasks of one caller; an agent is `named` by the request's path or its `tenant`."""

    kernel: Kernel
    launcher: Launcher
    access: Access
    named: str

    def unit(self) -> Any:
        return self.kernel.database.unit(self.access.scope)

    async def agent(self, session: AsyncSession) -> Agent:
        """Raises InvalidParamsError where none is named, and AgentNotFound."""
        if not self.named:
            raise InvalidParamsError("Name an agent as the `tenant`, or by the address.")
        expect_name(self.named)
        return (await definitions.resolve(session, self.access, self.named, None, None))[0]

    async def known(self, task_id: str) -> Stand:
        """Raises TaskNotFoundError."""
        run_id = tasks.id_of(task_id)
        async with self.unit() as session:
            agent = await self.agent(session)
        if run_id is None:
            raise TaskNotFoundError
        return await self.stand(agent.id, run_id)

    async def stand(self, agent_id: UUID | None, run_id: UUID) -> Stand:
        async with self.unit() as session:
            found = agent_id and await crud.get(session, self.access, agent_id, run_id)
            if not found:
                raise TaskNotFoundError
            return await self.with_approvals(session, *found)

    async def settled(self, stand: Stand) -> Stand:
        """The same once its run has ended, or waits."""
        await self.launcher.finished(self.access, stand.run.id)
        return await self.stand(stand.execution.agent_id, stand.run.id)

    async def with_approvals(self, session: AsyncSession, run: Run, execution: Execution) -> Stand:
        if run.status != "paused":
            return Stand(run, execution)
        known = await runtime.approvals(session, self.access, run.id)
        return Stand(run, execution, [each for each in known if each.status == "pending"])

    async def followed(self, stand: Stand) -> AsyncGenerator[Event]:
        """The task as it is, and then what happens to it until it has ended or waits."""
        yield stand.task()
        if stand.still:
            return
        pieces = Pieces(stand)
        async with aclosing(self.launcher.runs.reader.events(stand.run, 0)) as batches:
            async for batch in batches:
                for piece in pieces.of(batch):
                    yield piece
                if batch[-1].type != "run.paused" and not batch[-1].terminal:
                    continue
                stand = await self.stand(stand.execution.agent_id, stand.run.id)
                if stand.still:
                    break
        if stand.run.status == "completed":
            yield tasks.output_update(stand.run, stand.execution)
        yield tasks.status_update(stand.run, stand.execution, stand.waits_for)
