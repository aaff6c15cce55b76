"""One session with one server: opened once, used by many calls, and ended whole."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from app.agents.mcp_servers.connecting import connected
from app.agents.mcp_servers.guarding import FORGOTTEN, LOST, UNREACHABLE
from app.agents.mcp_servers.pinning import Told, read
from app.agents.mcp_servers.sifting import Sieve
from app.core.causes import runs_behind, told_in_meta
from app.core.errors import AppError
from app.core.outbound import Outbound

if TYPE_CHECKING:
    from mcp import Client, MCPError
    from mcp.client.session import IncomingMessage
    from mcp.types import CallToolResult, ListToolsResult

    from app.agents.mcp_servers.plans import Plan

LISTING_SECONDS: Final = 30.0
FRESH_SECONDS: Final = 60.0
MOST_PAGES: Final = 20
MOST_TOOLS: Final = 500
MOST_CALLS: Final = 16
MOST_SAID: Final = 500
RUBBISH: Final = "it did not answer as the protocol has it"
Progress = Callable[[float, float | None, str | None], None]
T = TypeVar("T")


class ServerDown(Exception):
    """The server cannot be asked; `begun` where it may have carried the call out all the same.

    `again`: another session may do, and nothing was done in this one.
    """

    def __init__(self, message: str, *, begun: bool = False, again: bool = False) -> None:
        super().__init__(message)
        self.begun = begun
        self.again = again


class ServerRefused(Exception):
    """The server answered with an error instead of a result."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What the server told of itself and its tools; `at` is on the loop's clock.

    `left_out` says in a sentence which tools are not among them, though the server told of them.
    """

    tools: Mapping[str, Told]
    protocol_version: str
    server_name: str | None
    server_version: str | None
    left_out: str | None
    at: float


class Link:
    """A session of the SDK's, kept by a task of its own: its scopes end in the task they began in.

    `retired` once it takes no more calls. At most MOST_CALLS are under way together; those that
    such a call leads to, by way of the server, are counted apart and do not wait for it.
    """

    def __init__(self, outbound: Outbound, plan: "Plan") -> None:
        self.plan = plan
        self.calls = 0
        self.used = time.monotonic()
        self.retired = False
        self._outbound = outbound
        self._closing = asyncio.Event()
        self._slots = defaultdict[int, asyncio.Semaphore](lambda: asyncio.Semaphore(MOST_CALLS))
        self._opened: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
        self._opened.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._idle = asyncio.Event()
        self._idle.set()
        self._sieve = Sieve()
        self._listing: Listing | None = None
        self._stale = False
        self._listing_lock = asyncio.Lock()
        self._task = asyncio.create_task(self._keep(), name="mcp-link")

    async def leave(self) -> None:
        """Close it once its calls have ended: one that failed must not cut the others off."""
        self.retired = True
        await self._idle.wait()
        await self.close()

    async def close(self) -> None:
        self.retired = True
        self._closing.set()
        with suppress(asyncio.CancelledError):
            await asyncio.wait([self._task], timeout=10)
        if not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task], timeout=5)

    async def listing(self, fresh: float = FRESH_SECONDS) -> Listing:
        """What the server has, asked again where that is older than `fresh` seconds.

        Raises ServerDown and ServerRefused.
        """
        async with self._listing_lock:
            known = self._listing
            if known is None or self._stale or time.monotonic() - known.at > fresh:
                self._stale = False
                known = self._listing = await self._during(self._list(), LISTING_SECONDS)
            return known

    async def call(
        self, name: str, arguments: Mapping[str, Any], seconds: float, told: Progress
    ) -> "CallToolResult":
        """Raises ServerDown, ServerRefused and TimeoutError; a cancel is passed on."""
        from mcp import types  # noqa: PLC0415 - loaded where there is a server

        async def tell(progress: float, total: float | None, message: str | None) -> None:
            told(progress, total, message)

        # By `call_tool` the SDK would check the result by the server's own schema, whose patterns
        # can take forever.
        params: dict[str, Any] = {"name": name, "arguments": dict(arguments)}
        if behind := told_in_meta():
            params["_meta"] = behind
        asked = types.CallToolRequest(params=types.CallToolRequestParams.model_validate(params))

        async def send() -> "CallToolResult":
            client = await self._client()
            return await client.session.send_request(
                asked,
                types.CallToolResult,
                request_read_timeout_seconds=seconds,
                progress_callback=tell,
            )

        async with self._slot(seconds):
            return await self._during(send(), seconds, begun=True)

    @asynccontextmanager
    async def _slot(self, seconds: float) -> AsyncIterator[None]:
        """Raises ServerRefused where none is free before the call's own time is up."""
        slots = self._slots[runs_behind()]
        try:
            async with asyncio.timeout(max(seconds - 1, seconds / 2)):
                await slots.acquire()
        except TimeoutError:
            said = f"{MOST_CALLS} calls of this server are under way, and none ended in time"
            raise ServerRefused(said) from None
        try:
            yield
        finally:
            slots.release()

    async def _client(self) -> "Client":
        return await asyncio.shield(self._opened)

    async def _list(self) -> Listing:
        client = await self._client()
        found: dict[str, Told] = {}
        self._sieve.left_out.clear()
        cursor: str | None = None
        for _ in range(MOST_PAGES):
            page: ListToolsResult = await client.list_tools(cursor=cursor)
            for tool in page.tools:
                hints = tool.annotations.model_dump(by_alias=True) if tool.annotations else {}
                hints = {hint: value for hint, value in hints.items() if value is not None}
                words = [tool.title, tool.description, tool.input_schema, hints]
                said = read(tool.name, *self.plan.json_without_secrets(words))
                if said is not None and len(found) < MOST_TOOLS:
                    found.setdefault(said.name, said)
            cursor = page.next_cursor
            if not cursor or len(found) == MOST_TOOLS:
                break
        itself = client.server_info
        return Listing(
            found,
            self.plan.told(client.protocol_version, 40),
            self.plan.told(itself.name, 200) if itself else None,
            self.plan.told(itself.version, 100) if itself else None,
            self.plan.told(left_out, MOST_SAID) if (left_out := self._sieve.told()) else None,
            time.monotonic(),
        )

    async def _during(
        self, asking: Coroutine[Any, Any, T], seconds: float, *, begun: bool = False
    ) -> T:
        """What the server answers while the session lasts."""
        self.calls += 1
        self._idle.clear()
        task = asyncio.create_task(asking)
        try:
            done, _ = await asyncio.wait(
                (task, self._task), timeout=seconds + 5, return_when=asyncio.FIRST_COMPLETED
            )
            if task not in done and self._task in done:
                self.retired = True
                await asyncio.wait((task,), timeout=1)  # it is told why
                if not task.done():
                    raise ServerDown("the session ended", begun=begun, again=not begun)
            if not task.done():
                raise TimeoutError
            return await self._judged(task, begun=begun)
        finally:
            self.calls -= 1
            self.used = time.monotonic()
            if self.calls == 0:
                self._idle.set()
            if not task.done():
                self.retired = True
                task.cancel()
                # The SDK tells the server of it.
                await asyncio.wait([task], timeout=5)
            elif not task.cancelled():
                task.exception()

    async def _judged(self, task: "asyncio.Task[T]", *, begun: bool) -> T:
        from mcp import MCPError, types  # noqa: PLC0415 - loaded where there is a server
        from pydantic import ValidationError  # noqa: PLC0415 - beside it

        try:
            return await task
        except MCPError as error:
            if error.code == types.REQUEST_TIMEOUT:
                # By older versions of the protocol the SDK goes on listening to the answer.
                self.retired = True
                raise TimeoutError from None
            if error.code in (types.CONNECTION_CLOSED, FORGOTTEN, LOST, UNREACHABLE):
                self.retired = True
                unasked = not begun or error.code in (FORGOTTEN, UNREACHABLE)
                said = _said(error, self.plan)
                raise ServerDown(said, begun=not unasked, again=unasked) from None
            raise ServerRefused(_said(error, self.plan)) from None
        except ValidationError:
            raise ServerRefused(RUBBISH) from None

    async def _keep(self) -> None:
        try:
            async with connected(self._outbound, self.plan, self._hear, self._sieve) as client:
                if not self._opened.done():
                    self._opened.set_result(client)
                await self._closing.wait()
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever the SDK and the server make of it
            failed = _down(error, self.plan)
            if not self._opened.done():
                self._opened.set_exception(failed)
        finally:
            self.retired = True
            if not self._opened.done():
                self._opened.set_exception(ServerDown("the session was closed"))

    async def _hear(self, message: "IncomingMessage") -> None:
        """What the server says unasked: that its tools changed is all that counts."""
        from mcp import types  # noqa: PLC0415 - loaded where there is a server

        if isinstance(message, types.ToolListChangedNotification):
            self._stale = True


def _down(error: BaseException, plan: "Plan") -> Exception:
    """The first thing that went wrong, in words for people."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, TimeoutError):
        return ServerDown("it did not answer in time")
    if isinstance(error, FileNotFoundError | PermissionError):
        return ServerDown("its command cannot be started")
    from mcp import MCPError  # noqa: PLC0415 - loaded where there is a server

    if isinstance(error, MCPError):
        return ServerDown(_said(error, plan), again=error.code == UNREACHABLE)
    if isinstance(error, AppError):
        return ServerDown(error.detail)
    return ServerDown(f"it could not be spoken to ({type(error).__name__})")


def _said(error: "MCPError", plan: "Plan") -> str:
    """Of what cannot be read, the SDK passes on what Pydantic says of it."""
    from mcp import types  # noqa: PLC0415 - loaded where there is a server

    if error.code == types.PARSE_ERROR and "validation error" in error.message:
        return RUBBISH
    return plan.told(error.message, MOST_SAID)
