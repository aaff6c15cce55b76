"""Connections to Valkey on which whoever sends a command can be cancelled.

The client's library sends through `asyncio.wait_for`, which before Python 3.12 forgets the
cancellation of what is done already: one that came while a command was being sent was lost, and
with it a deadline. It also makes a task of each command.
"""

from collections.abc import Iterable

from redis.asyncio.connection import (
    AbstractConnection,
    Connection,
    SSLConnection,
    UnixDomainSocketConnection,
)
from redis.exceptions import ConnectionError as ValkeyConnectionError
from redis.exceptions import TimeoutError as ValkeyTimeoutError

from app.core.waiting import deadline

SECONDS = 5.0


class _Sending(AbstractConnection):
    async def send_packed_command(
        self, command: bytes | str | Iterable[bytes], check_health: bool = True
    ) -> None:
        if not self.is_connected:
            await self.connect_check_health(check_health=False)
        if check_health:
            await self.check_health()  # type: ignore[no-untyped-call]
        if isinstance(command, str):
            command = command.encode()
        try:
            with deadline(SECONDS):
                await self._send_packed_command(
                    [command] if isinstance(command, bytes) else command
                )
        except TimeoutError:
            await self.disconnect(nowait=True)
            raise ValkeyTimeoutError("Timeout writing to Valkey.") from None
        except OSError as error:
            await self.disconnect(nowait=True)
            raise ValkeyConnectionError(f"Error while writing to Valkey: {error}") from error
        except BaseException:
            # Half a command may have been sent.
            await self.disconnect(nowait=True)
            raise


class _Tcp(_Sending, Connection):
    pass


class _Tls(_Sending, SSLConnection):
    pass


class _Unix(_Sending, UnixDomainSocketConnection):
    pass


CANCELLABLE: dict[type[AbstractConnection], type[AbstractConnection]] = {
    Connection: _Tcp,
    SSLConnection: _Tls,
    UnixDomainSocketConnection: _Unix,
}
