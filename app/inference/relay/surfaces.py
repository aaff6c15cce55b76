"""The addresses of the gateway: a table from path and method to what is done there.

A vendor's operation is one line in `SURFACES`. `{name}` in a path stands for one segment,
`{name:…}` for the rest of the path; a literal may follow it (`{model}:generateContent`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from app.core.errors import AppError, MethodNotAllowed, NotFound
from app.inference.dialects.anthropic_messages import AnthropicMessages
from app.inference.dialects.anthropic_messages import listing as anthropic_models
from app.inference.dialects.anthropic_messages.counting import MessageTokenCount
from app.inference.dialects.errors import Headers, UpstreamWords
from app.inference.dialects.gemini import Gemini
from app.inference.dialects.gemini import listing as gemini_models
from app.inference.dialects.gemini.counting import ContentTokenCount
from app.inference.dialects.openai_chat import OpenAIChat
from app.inference.dialects.openai_responses import OpenAIResponses
from app.inference.dialects.openai_responses.counting import InputTokenCount
from app.inference.operations.table import OPERATIONS
from app.inference.relay.batches import CancelBatch, CreateBatch, ListBatches, ShowBatch
from app.inference.relay.counting import CountTokens
from app.inference.relay.embedding import EmbedContents
from app.inference.relay.files import CreateFile, DeleteFile, ListFiles, ReadFile, ShowFile
from app.inference.relay.fine_tuning import CancelJob, CreateJob, ListJobs, ShowJob, TellOfJob
from app.inference.relay.gemini_streams import GeneratingStream
from app.inference.relay.generating import Generating
from app.inference.relay.listing import ListModels, ShowModel
from app.inference.relay.message_batches import (
    CancelMessageBatch,
    CreateMessageBatch,
    ListMessageBatches,
    ReadMessageBatch,
    ShowMessageBatch,
)
from app.inference.relay.passing import PassOn
from app.inference.relay.responses import CountResponseTokens, GeneratingResponse
from app.inference.relay.stored_responses import StoredResponse
from app.inference.relay.vendor_listing import ListModelsAs, ShowModelAs
from app.inference.relay.visit import Visit


class Operation(Protocol):
    """What is done at one address; one object serves all requests."""

    async def serve(self, visit: Visit) -> None:
        """Answer through `visit.reply`.

        An AppError raised before the answer has begun is told in the surface's envelope.
        """
        ...


class Envelope(Protocol):
    """How a vendor tells an error; every Dialect is one."""

    def error_response(
        self, error: AppError, words: UpstreamWords | None = None
    ) -> tuple[int, Headers, bytes]: ...

    def words_of(self, body: bytes) -> UpstreamWords | None: ...


@dataclass(frozen=True, slots=True)
class Surface:
    method: str
    path: str
    operation: Operation
    envelope: Envelope


@dataclass(frozen=True, slots=True)
class Found:
    """The operation for a request, and what its path says."""

    surface: Surface
    parameters: Mapping[str, str]


OPENAI: Final = OpenAIChat()
ANTHROPIC: Final = AnthropicMessages()
GEMINI: Final = Gemini()
GOOGLES: Final = ("/gemini/v1beta", "/gemini/v1")
RESPONSES: Final = OpenAIResponses()
TUNING: Final = "/openai/v1/fine_tuning/jobs"
MESSAGE_BATCHES: Final = "/anthropic/v1/messages/batches"
STORED: Final = "/openai/v1/responses/{response}"
# Whose errors are told where no operation stands, by the beginning of the path.
ENVELOPES: Final[dict[str, Envelope]] = {
    "/openai/v1": OPENAI,
    "/anthropic/v1": ANTHROPIC,
    **dict.fromkeys(GOOGLES, GEMINI),
}


def gemini_surfaces(prefix: str) -> tuple[Surface, ...]:
    """Google's clients differ in which version of the API they ask for."""
    models = f"{prefix}/models"
    model = models + "/{model:…}"
    whole, streaming = Generating(GEMINI, streaming=False), GeneratingStream(GEMINI, streaming=True)
    counting = CountTokens(ContentTokenCount(GEMINI))
    return (
        Surface("POST", f"{model}:generateContent", whole, GEMINI),
        Surface("POST", f"{model}:streamGenerateContent", streaming, GEMINI),
        Surface("POST", f"{model}:countTokens", counting, GEMINI),
        Surface("POST", f"{model}:embedContent", EmbedContents(batch=False), GEMINI),
        Surface("POST", f"{model}:batchEmbedContents", EmbedContents(batch=True), GEMINI),
        Surface("GET", models, ListModelsAs(gemini_models.model_list), GEMINI),
        Surface("GET", model, ShowModelAs(gemini_models.one_model), GEMINI),
    )


SURFACES: Final = (
    Surface("POST", "/openai/v1/chat/completions", Generating(OPENAI), OPENAI),
    Surface("POST", "/openai/v1/responses", GeneratingResponse(RESPONSES), RESPONSES),
    Surface(
        "POST",
        "/openai/v1/responses/input_tokens",
        CountResponseTokens(InputTokenCount(RESPONSES)),
        RESPONSES,
    ),
    Surface("GET", STORED, StoredResponse(RESPONSES, "GET"), RESPONSES),
    Surface("DELETE", STORED, StoredResponse(RESPONSES, "DELETE"), RESPONSES),
    Surface("POST", STORED + "/cancel", StoredResponse(RESPONSES, "POST", "/cancel"), RESPONSES),
    Surface(
        "GET", STORED + "/input_items", StoredResponse(RESPONSES, "GET", "/input_items"), RESPONSES
    ),
    *(Surface("POST", "/openai/v1" + each.path, PassOn(each), OPENAI) for each in OPERATIONS),
    Surface("POST", "/openai/v1/files", CreateFile(), OPENAI),
    Surface("GET", "/openai/v1/files", ListFiles(), OPENAI),
    Surface("GET", "/openai/v1/files/{file}", ShowFile(), OPENAI),
    Surface("DELETE", "/openai/v1/files/{file}", DeleteFile(), OPENAI),
    Surface("GET", "/openai/v1/files/{file}/content", ReadFile(), OPENAI),
    Surface("POST", "/openai/v1/batches", CreateBatch(), OPENAI),
    Surface("GET", "/openai/v1/batches", ListBatches(), OPENAI),
    Surface("GET", "/openai/v1/batches/{batch}", ShowBatch(), OPENAI),
    Surface("POST", "/openai/v1/batches/{batch}/cancel", CancelBatch(), OPENAI),
    Surface("POST", TUNING, CreateJob(), OPENAI),
    Surface("GET", TUNING, ListJobs(), OPENAI),
    Surface("GET", TUNING + "/{job}", ShowJob(), OPENAI),
    Surface("POST", TUNING + "/{job}/cancel", CancelJob(), OPENAI),
    Surface("GET", TUNING + "/{job}/events", TellOfJob("events"), OPENAI),
    Surface("GET", TUNING + "/{job}/checkpoints", TellOfJob("checkpoints"), OPENAI),
    Surface("GET", "/openai/v1/models", ListModels(), OPENAI),
    Surface("GET", "/openai/v1/models/{model:…}", ShowModel(), OPENAI),
    Surface("POST", "/anthropic/v1/messages", Generating(ANTHROPIC), ANTHROPIC),
    Surface(
        "POST",
        "/anthropic/v1/messages/count_tokens",
        CountTokens(MessageTokenCount(ANTHROPIC)),
        ANTHROPIC,
    ),
    Surface("POST", MESSAGE_BATCHES, CreateMessageBatch(), ANTHROPIC),
    Surface("GET", MESSAGE_BATCHES, ListMessageBatches(), ANTHROPIC),
    Surface("GET", MESSAGE_BATCHES + "/{batch}", ShowMessageBatch(), ANTHROPIC),
    Surface("POST", MESSAGE_BATCHES + "/{batch}/cancel", CancelMessageBatch(), ANTHROPIC),
    Surface("GET", MESSAGE_BATCHES + "/{batch}/results", ReadMessageBatch(), ANTHROPIC),
    Surface("GET", "/anthropic/v1/models", ListModelsAs(anthropic_models.model_list), ANTHROPIC),
    Surface(
        "GET", "/anthropic/v1/models/{model:…}", ShowModelAs(anthropic_models.one_model), ANTHROPIC
    ),
    *(surface for prefix in GOOGLES for surface in gemini_surfaces(prefix)),
)

_NAMED = re.compile(r"\{(\w+)(:…)?\}")


def _pattern(path: str) -> re.Pattern[str]:
    at, pieces = 0, []
    for found in _NAMED.finditer(path):
        pieces.append(re.escape(path[at : found.start()]))
        pieces.append(f"(?P<{found[1]}>.+)" if found[2] else f"(?P<{found[1]}>[^/]+?)")
        at = found.end()
    return re.compile("".join((*pieces, re.escape(path[at:]))))


_PLAIN: Final = {(s.method, s.path): Found(s, {}) for s in SURFACES if "{" not in s.path}
_TEMPLATES: Final = tuple((s, _pattern(s.path)) for s in SURFACES if "{" in s.path)


def envelope_of(path: str) -> Envelope | None:
    """Whose address this is; None where it is no vendor's."""
    for prefix, envelope in ENVELOPES.items():
        if path.startswith(prefix) and path[len(prefix) : len(prefix) + 1] == "/":
            return envelope
    return None


def find(method: str, path: str) -> Found:
    """Raises NotFound, and MethodNotAllowed where only the method is wrong."""
    found = _PLAIN.get((method, path))
    if found is not None:
        return found
    allow = {taken for taken, plain in _PLAIN if path == plain}
    for surface, pattern in _TEMPLATES:
        match = pattern.fullmatch(path)
        if match is None:
            continue
        if surface.method == method:
            return Found(surface, match.groupdict())
        allow.add(surface.method)
    if allow:
        raise MethodNotAllowed(f"Not allowed to {method} on {path[:200]}.", allow=allow)
    raise NotFound(f"Unknown request URL: {method} {path[:200]}.")
