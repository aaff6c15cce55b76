"""What a process keeps open for mail, and how long-polls wait."""

import asyncio
import time
from dataclasses import dataclass

from sqlalchemy.exc import SQLAlchemyError

from app.agents.mailbox import finding, queue_crud
from app.agents.mailbox.finding import AgentDirectory
from app.agents.mailbox.models import Mailbox
from app.agents.mailbox.waking import Bell
from app.core.auth import Access
from app.core.clock import now
from app.core.kernel import Kernel
from app.core.log import get_logger

log = get_logger(__name__)

# A message whose delay or lease ends rings no bell.
LOOKS_EVERY = 1.0


@dataclass(frozen=True, slots=True)
class Mailroom:
    """What sending, leasing and answering need beside a session."""

    kernel: Kernel
    agents: AgentDirectory
    bell: Bell

    async def until_due(self, access: Access, address: str, seconds: float) -> None:
        """Wait until a message can be leased, `seconds` at most; holds no session meanwhile.

        Raises MailboxNotFound and MailboxNotYours.
        """
        async with self.kernel.database.unit(access.scope) as session:
            mailbox = await finding.own(session, self.agents, access, address)
        ends = time.monotonic() + seconds
        async with self.bell.listening(mailbox.id) as rung:
            while not await self._is_due(access, mailbox):
                if not await self.rest(rung, ends):
                    return

    async def rest(self, rung: asyncio.Event, ends: float) -> bool:
        """Wait for the bell, or a moment; False where the time is up or the process stops."""
        left = ends - time.monotonic()
        if left <= 0 or self.kernel.stopping.is_set():
            return False
        try:
            async with asyncio.timeout(min(left, LOOKS_EVERY)):
                await rung.wait()
        except TimeoutError:
            pass
        rung.clear()
        return True

    async def _is_due(self, access: Access, mailbox: Mailbox) -> bool:
        try:
            async with self.kernel.database.unit(access.scope) as session:
                return await queue_crud.is_due(session, access.workspace_id, mailbox, now())
        except (SQLAlchemyError, OSError) as error:
            log.warning("mailbox_not_seen", reason=repr(error))
            return False
