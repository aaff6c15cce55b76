"""The operation of a dialect in which a model writes: any model answers, streamed or whole."""

from app.core.auth import Access, Permission
from app.inference.dialects.dialect import Dialect
from app.inference.dialects.errors import ModelUnavailable
from app.inference.integrations.directory import Target
from app.inference.integrations.errors import ModelUnknown
from app.inference.providers.errors import ProviderError
from app.inference.relay.bytewise import ByteRelay
from app.inference.relay.metered import metered
from app.inference.relay.reply import ClientWatch
from app.inference.relay.translated import Translation
from app.inference.relay.upstream import Upstream
from app.inference.relay.visit import Visit


class Generating:
    """`streaming` is given where the dialect has it in the address, as the model may be."""

    def __init__(self, dialect: Dialect, *, streaming: bool | None = None) -> None:
        self._dialect = dialect
        self._streaming = streaming

    async def serve(self, visit: Visit) -> None:
        access = await visit.access(Permission.MODELS_INVOKE, "chat")
        dialect, inference = self._dialect, visit.inference
        ask = dialect.read(
            await visit.body(), model=visit.parameters.get("model"), streaming=self._streaming
        )
        target = await self._target(visit, access, ask.model)
        settings = visit.kernel.settings
        upstream = Upstream(dialect, inference.transport, settings, target.endpoint)
        request = None if dialect.passes_bytes_to(target.endpoint) else dialect.parse(ask, target)
        async with (
            ClientWatch(visit.receive, visit.reply),
            metered(inference.ledger, access, target, ask) as meter,
        ):
            try:
                if request is None:
                    relay = ByteRelay(dialect, upstream, ask, target.model, meter)
                    await relay.serve(visit.reply)
                else:
                    await Translation(dialect, target, request, ask, meter).serve(visit.reply)
            except ProviderError as error:
                meter.failure = error
                await visit.reply.whole(*dialect.error_response(error, upstream.words))

    async def _target(self, visit: Visit, access: Access, model: str) -> Target:
        try:
            return await visit.inference.directory.target(access.workspace_id, model)
        except ModelUnknown:
            raise ModelUnavailable(model) from None
