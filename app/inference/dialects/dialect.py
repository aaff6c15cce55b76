"""What the gateway must know of a dialect that clients speak."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from app.core.errors import AppError
from app.inference.dialects.ask import Ask
from app.inference.dialects.errors import Headers, UpstreamWords
from app.inference.integrations.directory import Endpoint, Target
from app.inference.providers.codec import BadAnswer, InBandError, StreamDecoder
from app.inference.providers.types import ChatRequest, ChatResult, StreamEvent, Usage


@dataclass(frozen=True, slots=True)
class OnGoing:
    """An answer that its provider goes on with when nobody listens, and where it tells of it."""

    url: str
    usage_of: Callable[[dict[str, Any]], Usage | None]


class Frames(Protocol):
    """Server-sent events of the same dialect, passed through by whole frames.

    `feed` takes what arrived and gives what may leave, never a part of a frame. `begun` turns true
    with the first frame of an answer, `done` with the dialect's closing one; a frame that tells of
    an error, or breaks the dialect, is the `fault` and does not leave. `count` is about how many
    tokens have gone by, `usage` what the stream has told of it so far. `background` is the answer
    as it has begun where it does not end with the stream.
    """

    done: bool
    begun: bool
    fault: BadAnswer | InBandError | None

    @property
    def count(self) -> int: ...

    def feed(self, chunk: bytes) -> bytes: ...

    def end(self) -> bytes:
        """Take the end of the body: give a closing frame that came without its blank line."""
        ...

    @property
    def usage(self) -> Usage | None: ...

    @property
    def background(self) -> dict[str, Any] | None: ...


class Renderer(Protocol):
    """The events of one stream in the dialect's frames; keeps what the ledger wants to know.

    `written` counts characters of output, `finished` turns true with the closing frame.
    """

    usage: Usage | None
    written: int
    finished: bool

    def render(self, event: StreamEvent) -> bytes:
        """The frames of an event; empty where the dialect has none for it."""
        ...


class Dialect(Protocol):
    """One wire dialect as pure functions; one object serves all calls.

    `keep_alive` is what keeps a stream open that has nothing to say, and clients pass over.
    """

    name: str
    keep_alive: bytes

    def read(self, body: bytes, *, model: str | None = None, streaming: bool | None = None) -> Ask:
        """Check what every upstream needs; raises RequestInvalid, naming the field.

        `model` and `streaming` are given where the dialect has them in the address.
        """
        ...

    def passes_bytes_to(self, endpoint: Endpoint) -> bool:
        """Tell whether the endpoint takes the request's bytes as they are."""
        ...

    def upstream_url(self, endpoint: Endpoint, model: str, *, streaming: bool) -> str:
        """Where the endpoint takes the dialect's bytes."""
        ...

    def upstream_body(self, ask: Ask, model: str) -> bytes:
        """The request's bytes for another name of the model; nothing else is changed.

        Usage is asked for where the client did not ask and the dialect would not tell it.
        """
        ...

    def limited(self, ask: Ask, endpoint: Endpoint, most: int) -> Ask:
        """The same request with a longest answer, in tokens, where it names none that we can read.

        Only for what goes to the endpoint as bytes.
        """
        ...

    def parse(self, ask: Ask, target: Target) -> ChatRequest:
        """The request for a provider of another dialect.

        Raises RequestInvalid, and UnsupportedParameter for what the provider has no words for.
        """
        ...

    def check_answer(self, document: Any) -> None:
        """Raise InBandError or BadAnswer for a whole answer of status 200 that is none."""
        ...

    def usage_of(self, document: dict[str, Any]) -> Usage | None:
        """The usage that a whole answer tells, where it can be read."""
        ...

    def on_going(self, endpoint: Endpoint, document: dict[str, Any]) -> OnGoing | None:
        """An answer that has only begun, and ends without us; None for all others."""
        ...

    def frames(self, ask: Ask) -> Frames: ...

    def decoder(self) -> StreamDecoder:
        """Reads the dialect's own frames, as they were passed on, as canonical events."""
        ...

    def renderer(self, ask: Ask, model: str, *, relayed: bytes = b"") -> Renderer:
        """Renders a stream of canonical events.

        `relayed` is what has left already of an answer in this dialect that broke off (whole
        frames): the renderer goes on with its identity and numbering, and opens nothing twice.
        """
        ...

    def render(self, result: ChatResult, model: str, ask: Ask) -> bytes:
        """A whole answer to the request."""
        ...

    def remark(self, name: str, said: Mapping[str, Any]) -> bytes:
        """What we have to say inside a stream, as clients of the dialect pass it over.

        Empty where they would stumble over whatever is not theirs.
        """
        ...

    def error_response(
        self, error: AppError, words: UpstreamWords | None = None
    ) -> tuple[int, Headers, bytes]:
        """An error instead of an answer: status, headers and body in the dialect's envelope."""
        ...

    def error_event(self, error: AppError, after: bytes = b"") -> bytes:
        """An error inside a stream that has begun; no closing frame follows it.

        `after` are the events that were sent last, of a dialect that numbers them.
        """
        ...

    def words_of(self, body: bytes) -> UpstreamWords | None:
        """What a provider of this dialect said of a mistake, beside its message."""
        ...
