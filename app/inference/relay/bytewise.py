"""A provider of the same dialect: the request's bytes out, the answer's bytes back."""

from dataclasses import dataclass

from app.inference.dialects.ask import Ask
from app.inference.dialects.dialect import Dialect, Frames
from app.inference.providers.errors import ProviderError
from app.inference.providers.opening import expect_events, first_token
from app.inference.providers.transport import Exchange
from app.inference.relay.metered import Meter
from app.inference.relay.reply import Reply
from app.inference.relay.upstream import Upstream


@dataclass(slots=True)
class Opening:
    """A stream whose first frames have come."""

    exchange: Exchange
    frames: Frames
    block: bytes


class ByteRelay:
    """Serves one call."""

    def __init__(
        self, dialect: Dialect, upstream: Upstream, ask: Ask, model: str, meter: Meter
    ) -> None:
        self._dialect = dialect
        self._upstream = upstream
        self._ask = ask
        self._meter = meter
        self._body = dialect.upstream_body(ask, model)
        upstream.url = dialect.upstream_url(upstream.endpoint, model, streaming=ask.streaming)

    async def serve(self, reply: Reply) -> None:
        """Answer; raises the ProviderError of a call whose answer has not begun."""
        if self._ask.streaming:
            await self._stream(reply)
        else:
            await self._whole(reply)

    async def _whole(self, reply: Reply) -> None:
        upstream = self._upstream
        answer, document = await upstream.retry.call(lambda: upstream.fetch(self._body))
        self._meter.usage = self._dialect.usage_of(document)
        self._meter.output_tokens = len(answer) // 4
        await self._meter.recorded
        await reply.json(answer)

    async def _stream(self, reply: Reply) -> None:
        opening = await self._upstream.retry.call(self._open)
        exchange, frames = opening.exchange, opening.frames
        self._meter.mark_first_token()
        try:
            await self._meter.recorded
            await self._pass_on(exchange, frames, opening.block, reply)
        except ProviderError as error:
            self._meter.failure = error
            await reply.stream(self._dialect.error_event(error), more=False)
        finally:
            self._meter.usage = frames.usage
            self._meter.output_tokens = frames.count
            exchange.close()

    async def _pass_on(
        self, exchange: Exchange, frames: Frames, block: bytes, reply: Reply
    ) -> None:
        while True:
            if block:
                await reply.stream(block, more=not frames.done)
            if frames.done:
                break
            if frames.fault is not None:
                raise self._upstream.in_band(frames.fault)
            chunk = await exchange.read_chunk()
            block = frames.feed(chunk) if chunk else frames.end()
            if not (chunk or frames.done):
                raise self._upstream.interrupted()
        await exchange.drain()

    async def _open(self) -> Opening:
        upstream = self._upstream
        seconds = upstream.settings.provider_first_token_seconds
        async with first_token(upstream.name, seconds) as beginning:
            beginning.exchange = exchange = await upstream.open(self._body, streaming=True)
            await expect_events(exchange, upstream.name, upstream.endpoint.api_key)
            return await self._first_frames(exchange)

    async def _first_frames(self, exchange: Exchange) -> Opening:
        frames = self._dialect.frames(self._ask)
        block = b""
        while not frames.begun:
            chunk = await exchange.read_chunk()
            block += frames.feed(chunk) if chunk else frames.end()
            if frames.fault is not None and not frames.begun:
                raise self._upstream.in_band(frames.fault)
            if not (chunk or frames.done):
                raise self._upstream.interrupted()
        return Opening(exchange, frames, block)
