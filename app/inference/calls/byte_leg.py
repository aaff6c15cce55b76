"""An attempt at a provider of the client's dialect: the answer's frames as they come."""

from app.inference.calls.attempt import Attempt
from app.inference.calls.heard import Heard
from app.inference.calls.wire import Wire, fault_in, name_of
from app.inference.dialects.ask import Ask
from app.inference.dialects.dialect import Dialect, Frames
from app.inference.integrations.directory import Endpoint
from app.inference.providers.errors import ProviderInterrupted
from app.inference.providers.opening import expect_events, first_token
from app.inference.providers.transport import Exchange

# Beyond this an answer's frames are not kept, and nobody can go on with it.
MOST_KEPT_BYTES = 4 * 1024 * 1024


class ByteLeg:
    """Gives the frames of one read at a time, unread; keeps them for the case that it breaks."""

    __slots__ = ("_block", "_dialect", "_endpoint", "_exchange", "_frames", "_kept", "_size")

    def __init__(
        self, exchange: Exchange, frames: Frames, endpoint: Endpoint, dialect: Dialect
    ) -> None:
        self._dialect = dialect
        self._exchange = exchange
        self._frames = frames
        self._endpoint = endpoint
        self._block = b""
        self._kept: list[bytes] = []
        self._size = 0

    async def begin(self) -> None:
        """Wait for the first frame of an answer."""
        frames = self._frames
        blocks = []
        while not frames.begun:
            blocks.append(await self._advance())
            if frames.fault is not None and not frames.begun:
                raise fault_in(self._endpoint, frames.fault)
        self._block = b"".join(blocks)

    async def read(self) -> bytes:
        frames = self._frames
        block, self._block = self._block, b""
        while not block:
            if frames.done:
                await self._exchange.drain()
                return b""
            if frames.fault is not None:
                raise fault_in(self._endpoint, frames.fault)
            block = await self._advance()
        self._size += len(block)
        if self._size <= MOST_KEPT_BYTES:
            self._kept.append(block)
        return block

    @property
    def done(self) -> bool:
        return self._frames.done and not self._block

    def note(self, attempt: Attempt) -> None:
        self.follow(attempt)
        attempt.usage = self._frames.usage
        # Some providers count the input at the beginning and the output only at the end.
        attempt.usage_is_partial = attempt.usage is not None and not self._frames.done
        attempt.output_tokens = self._frames.count

    def follow(self, attempt: Attempt) -> None:
        """Note where an answer that goes on without its stream can be looked up."""
        begun = self._frames.background
        attempt.on_going = None if begun is None else self._dialect.on_going(self._endpoint, begun)

    def hear(self, heard: Heard) -> bool:
        heard.add_bytes(self._kept, self._dialect)
        return self._size <= MOST_KEPT_BYTES

    def close(self) -> None:
        self._exchange.close()

    async def _advance(self) -> bytes:
        frames = self._frames
        chunk = await self._exchange.read_chunk()
        block = frames.feed(chunk) if chunk else frames.end()
        if not (chunk or frames.done or frames.fault):
            raise ProviderInterrupted(name_of(self._endpoint))
        return block


def limited(dialect: Dialect, ask: Ask, attempt: Attempt) -> Ask:
    """The request with the longest answer that a hard budget leaves room for, if there is one."""
    most = attempt.call.most_output
    return ask if most is None else dialect.limited(ask, attempt.target.endpoint, most)


async def open_bytes(wire: Wire, dialect: Dialect, ask: Ask, attempt: Attempt) -> ByteLeg:
    """Send the request's bytes and wait for the first frame of the answer."""
    target = attempt.target
    endpoint = target.endpoint
    url = dialect.upstream_url(endpoint, target.model, streaming=True)
    body = dialect.upstream_body(limited(dialect, ask, attempt), target.model)
    name = name_of(endpoint)
    with first_token(name, wire.first_token_seconds(attempt.candidate)) as beginning:
        beginning.exchange = exchange = await wire.open(
            attempt.candidate, url, body, headers=ask.headers
        )
        await expect_events(exchange, name, endpoint.api_key)
        leg = ByteLeg(exchange, dialect.frames(ask), endpoint, dialect)
        try:
            await leg.begin()
        finally:
            leg.follow(attempt)
        return leg
