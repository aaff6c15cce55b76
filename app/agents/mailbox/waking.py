"""Waking whoever waits for mail, in every process. It only makes things quick."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Final, Self
from uuid import UUID

from app.agents.mailbox.models import Mailbox
from app.core.db import AsyncSession, on_commit
from app.core.kernel import Kernel
from app.runs.events.signals import Signals

DISPATCH: Final = "mailbox-dispatch"
_TO_AGENTS: Final = "mailboxes:agents"


class Bell:
    """Rung when a message has come; who listens looks for itself, now and then also unasked."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._signals = Signals(kernel.valkey)

    async def __aenter__(self) -> Self:
        self._signals.start()
        await self._signals.listen(_TO_AGENTS, lambda _: self._kernel.nudge(DISPATCH))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._signals.close()

    def ring(self, session: AsyncSession, mailboxes: Iterable[Mailbox]) -> None:
        """Have it rung for these once the transaction has committed."""
        channels = {_channel(mailbox.id) for mailbox in mailboxes}
        if any(mailbox.kind == "agent" for mailbox in mailboxes):
            channels.add(_TO_AGENTS)
        if channels:
            on_commit(session, lambda: self._soon(channels))

    def _soon(self, channels: set[str]) -> None:
        async def publish() -> None:
            for channel in sorted(channels):
                await self._kernel.valkey.publish(channel, b"1")

        self._kernel.background.soon("mailbox_bell", publish)

    @asynccontextmanager
    async def listening(self, mailbox_id: UUID) -> AsyncIterator[asyncio.Event]:
        """An event that is set whenever the bell of this mailbox rings."""
        rung, channel = asyncio.Event(), _channel(mailbox_id)

        def hear(_: bytes) -> None:
            rung.set()

        await self._signals.listen(channel, hear)
        try:
            yield rung
        finally:
            await self._signals.forget(channel, hear)


def _channel(mailbox_id: UUID) -> str:
    return f"mailbox:{mailbox_id}"
