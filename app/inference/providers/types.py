"""The canonical request, result and stream events that every provider speaks."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

CONTINUE_PROMPT = (
    "Your previous answer was cut off. Continue it exactly where it stopped. "
    "Do not repeat anything and add no preface."
)
TITLE_PROMPT = (
    "Write a title of at most six words for this conversation. Answer with the title only."
)

Role = Literal["system", "user", "assistant", "tool"]
FinishReason = Literal["stop", "length", "tool_calls", "content_filter", "refusal"]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
# How long a provider is asked to remember the prompt up to here: in Anthropic's words, or ("30m",
# at least) in OpenAI's.
CacheHint = Literal["5m", "1h", "30m"]


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a piece of an answer comes from; what its provider does not say is None.

    `start` and `end` are characters (`unit` "character"), pages or blocks of the source, or
    ("answer") characters of the answer's own text. `document` is its index among the request's.
    """

    unit: Literal["character", "page", "block", "answer"]
    start: int | None = None
    end: int | None = None
    quote: str | None = None
    title: str | None = None
    url: str | None = None
    document: int | None = None


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """A token of the answer, its log probability, and the likeliest ones in its place."""

    token: str
    logprob: float
    likeliest: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class TextPart:
    """Words; `refusal` where the model gives them instead of an answer and its provider says so."""

    text: str
    citations: tuple[Citation, ...] = ()
    logprobs: tuple[TokenLogprob, ...] = ()
    cache: CacheHint | None = None
    refusal: bool = False


@dataclass(frozen=True, slots=True)
class ImagePart:
    """An image by its bytes or by its address; exactly one of the two is set.

    `detail` is how closely it is looked at, in OpenAI's words; only its own dialects set it.
    """

    media_type: str
    data: bytes | None = None
    url: str | None = None
    cache: CacheHint | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class FilePart:
    """A document (PDF, text) or a recording by its bytes or its address, one of the two.

    `cited` asks for citations out of it.
    """

    media_type: str
    data: bytes | None = None
    url: str | None = None
    name: str | None = None
    cited: bool = False
    cache: CacheHint | None = None


@dataclass(frozen=True, slots=True)
class ToolCallPart:
    """A call the model made; `arguments` is JSON text, as the model wrote it.

    `signature` is the provider's proof of the reasoning behind the call, `dialect` who issued it.
    """

    id: str
    name: str
    arguments: str
    signature: str | None = None
    dialect: str | None = None
    cache: CacheHint | None = None


@dataclass(frozen=True, slots=True)
class ToolResultPart:
    """What a tool gave; `attachments` are the images and files that came beside its text."""

    call_id: str
    name: str
    content: str
    is_error: bool = False
    attachments: tuple[ImagePart | FilePart, ...] = ()
    cache: CacheHint | None = None


@dataclass(frozen=True, slots=True)
class ReasoningPart:
    """A model's reasoning. `redacted` is encrypted by the provider and stands without text.

    Signatures and redacted text are sent back only to the `dialect` that issued them.
    """

    text: str
    signature: str | None = None
    redacted: str | None = None
    dialect: str | None = None


Part = TextPart | ImagePart | FilePart | ToolCallPart | ToolResultPart | ReasoningPart


@dataclass(frozen=True, slots=True)
class Message:
    role: Role
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A function the model may call; `parameters` is its JSON schema."""

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = field(default_factory=lambda: {"type": "object"})
    strict: bool = False
    cache: CacheHint | None = None


@dataclass(frozen=True, slots=True)
class NamedTool:
    name: str


ToolChoice = Literal["auto", "none", "required"] | NamedTool


@dataclass(frozen=True, slots=True)
class ResponseFormat:
    """What the text must be: any JSON object, or one that satisfies `schema`."""

    type: Literal["json_object", "json_schema"]
    name: str = "answer"
    schema: Mapping[str, Any] | None = None
    strict: bool = True


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One call to a model. `extra` goes into the provider's body as it is, below our own fields.

    A codec names the optional fields that it has words for in `Codec.takes`; a request that sets
    another one is refused by its name, except `user` and `cache_key`, which the gateway itself goes
    by. `reasoning_budget` is in tokens (0: none, -1: as the model likes), `shows_reasoning` whether
    it is to be seen.
    """

    model: str
    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None
    temperature: float | None = None
    top_p: float | None = None
    max_output_tokens: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    reasoning_effort: Effort | None = None
    reasoning_budget: int | None = None
    shows_reasoning: bool | None = None
    user: str | None = None
    top_k: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    logit_bias: Mapping[str, float] | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    verbosity: str | None = None
    service_tier: str | None = None
    cache_key: str | None = None
    metadata: Mapping[str, str] | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call. `input_tokens` counts all input, cached included.

    The last ones are among the others, and have prices of their own: of the cache writes those that
    are kept for an hour; sound and pictures of the input that is not cached, of what is, and of the
    output. `service_tier` is the one that the provider says it answered at, `default` for the usual
    one; None where it says nothing.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    hour_write_tokens: int = 0
    audio_input_tokens: int = 0
    image_input_tokens: int = 0
    video_input_tokens: int = 0
    cached_audio_tokens: int = 0
    cached_image_tokens: int = 0
    audio_output_tokens: int = 0
    image_output_tokens: int = 0
    service_tier: str | None = None


@dataclass(frozen=True, slots=True)
class TextDelta:
    text: str
    logprobs: tuple[TokenLogprob, ...] = ()
    refusal: bool = False


@dataclass(frozen=True, slots=True)
class CitationDelta:
    """A source of the text that has just been written."""

    citation: Citation


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """More reasoning; a signature, or redacted content, closes the part it belongs to."""

    text: str
    signature: str | None = None
    redacted: str | None = None


@dataclass(frozen=True, slots=True)
class ToolCallStart:
    index: int
    id: str
    name: str
    signature: str | None = None


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    index: int
    arguments: str


@dataclass(frozen=True, slots=True)
class UsageReport:
    """The usage so far; a later report replaces an earlier one."""

    usage: Usage


@dataclass(frozen=True, slots=True)
class Finished:
    """Always the last event of a stream that ended well."""

    reason: FinishReason
    model: str
    response_id: str
    stop_sequence: str | None = None


StreamEvent = (
    TextDelta
    | ReasoningDelta
    | CitationDelta
    | ToolCallStart
    | ToolCallDelta
    | UsageReport
    | Finished
)


@dataclass(frozen=True, slots=True)
class ChatResult:
    parts: tuple[Part, ...]
    finish_reason: FinishReason
    usage: Usage
    model: str
    response_id: str
    stop_sequence: str | None = None

    @property
    def text(self) -> str:
        return "".join(part.text for part in self.parts if isinstance(part, TextPart))


@dataclass(frozen=True, slots=True)
class ModelListing:
    """A model as its provider lists it; None where the provider does not say."""

    name: str
    display_name: str | None = None
    owner: str | None = None
    context_window: int | None = None
    max_output_tokens: int | None = None
    retires_at: str | None = None


class Waits(Protocol):
    """How long a provider is waited for, in seconds; None takes the operator's setting."""

    @property
    def connect(self) -> float | None: ...

    @property
    def first_token(self) -> float | None: ...

    @property
    def between_tokens(self) -> float | None: ...


@dataclass(frozen=True, slots=True)
class UsualWaits:
    """The operator's settings."""

    connect: float | None = None
    first_token: float | None = None
    between_tokens: float | None = None


USUAL = UsualWaits()


class Events(Protocol):
    """An answer under way, whose first event has come."""

    async def read(self) -> list[StreamEvent]:
        """The events that have arrived, or the next ones; empty at the end, after `Finished`.

        Raises the ProviderError of an answer that broke off.
        """
        ...

    def close(self) -> None:
        """Close the upstream connection at once, wherever the answer stands."""
        ...


class Provider(Protocol):
    """A model provider with its credentials, ready to be called; every call is one attempt."""

    @property
    def dialect(self) -> str: ...

    async def complete(self, request: ChatRequest, waits: Waits = USUAL) -> ChatResult: ...

    async def open(self, request: ChatRequest, waits: Waits = USUAL) -> Events:
        """Ask for a stream and wait for its first event."""
        ...

    def stream(
        self, request: ChatRequest, waits: Waits = USUAL
    ) -> AsyncGenerator[StreamEvent, None]:
        """The same, event by event; `aclose()` closes the upstream connection at once."""
        ...

    async def list_models(self) -> list[ModelListing]: ...

    async def check(self) -> None:
        """Prove the credentials by the cheapest call; raise what is wrong with them."""
        ...
