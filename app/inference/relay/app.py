"""The ASGI application behind the vendors' addresses: no framework, no ORM and no schema there."""

from collections.abc import Awaitable

from starlette.types import ASGIApp, Receive, Scope, Send

from app.core.errors import AppError, UnsupportedMediaType
from app.core.http.measure import ROUTE
from app.core.http.problems import translate
from app.core.kernel import Kernel
from app.core.log import get_logger
from app.inference.dialects.errors import NotJson
from app.inference.inference import Inference
from app.inference.providers.errors import ProviderError
from app.inference.relay.body import ClientGone
from app.inference.relay.reply import Lookout, Reply
from app.inference.relay.surfaces import ENVELOPES, Envelope, envelope_of, find
from app.inference.relay.visit import Visit

log = get_logger(__name__)

PREFIXES = tuple(f"{prefix}/" for prefix in ENVELOPES)


class VendorPaths:
    """Middleware that hands the vendors' paths to `app.state.relay`, ahead of all routing."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == "http" and scope["path"].startswith(PREFIXES):
            # By its name: an attribute of `state` is found at five times the time.
            relay: ASGIApp = scope["app"].state["relay"]
            return relay(scope, receive, send)
        return self._app(scope, receive, send)


class RelayApp:
    """Serves what stands in `surfaces.SURFACES`."""

    def __init__(self, kernel: Kernel, inference: Inference) -> None:
        self._kernel = kernel
        self._inference = inference
        self._lookout = Lookout()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        settings = self._kernel.settings
        reply = Reply(send, settings.slow_reader_seconds, settings.stream_ping_seconds)
        scope[ROUTE] = "/…"
        envelope: Envelope | None = None
        visit: Visit | None = None
        try:
            found = find(scope["method"], scope["path"])
            envelope = found.surface.envelope
            scope[ROUTE] = found.surface.path
            visit = Visit(
                scope, receive, reply, self._kernel, self._inference, self._lookout,
                found.parameters,
            )  # fmt: skip
            await found.surface.operation.serve(visit)
        except ClientGone:
            return
        except Exception as error:
            envelope = envelope or envelope_of(scope["path"])
            if reply.begun or envelope is None:
                raise
            await refuse(reply, envelope, await counted(visit, explained(visit, error)))
        finally:
            reply.close()


def explained(visit: Visit | None, error: Exception) -> Exception:
    """The error, or that the body is packed, where it could not be read for that."""
    if visit is None or not isinstance(error, NotJson):
        return error
    packed = visit.header(b"content-encoding")
    if packed.strip().lower() in ("", "identity"):
        return error
    return UnsupportedMediaType(
        f"The body is packed (Content-Encoding: {packed[:40]}): send it as plain JSON."
    )


async def counted(visit: Visit | None, error: Exception) -> Exception:
    """The error, or that the request is one too many: each counts, wherever it has failed."""
    try:
        if visit is not None:
            await visit.count_refused()
    except AppError as refusal:
        return refusal
    return error


async def refuse(reply: Reply, envelope: Envelope, error: Exception) -> None:
    """Tell an error instead of an answer, as the vendor would."""
    shown = translate(error)
    if shown.status >= 500 and not isinstance(error, AppError):
        log.error("relay_failed", code=shown.code, exc_info=error)
    said = error.said if isinstance(error, ProviderError) else b""
    words = envelope.words_of(said) if said else None
    await reply.refuse(*envelope.error_response(shown, words))
