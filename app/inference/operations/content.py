"""A request's body as each candidate is to have it: with its own name of the model."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final, Protocol

from app.inference.dialects.ask import model_places, read_document, read_model_name
from app.inference.dialects.errors import RequestInvalid
from app.inference.dialects.splice import Span, add_model, replace_model
from app.inference.operations.form import Field, boundary_of, read_fields
from app.inference.providers.transport.request import Body

JSON: Final = "application/json"
# A form of more than this goes out in pieces, so that it is held in memory only once.
LARGE: Final = 1024 * 1024
PIECE: Final = 64 * 1024
# What comes before the first part of a form that names no model.
MODEL_PART: Final = b'--%b\r\nContent-Disposition: form-data; name="model"\r\n\r\n%b\r\n'


class Content(Protocol):
    """What the client has sent. `model` is None where it leaves the choice to the provider."""

    @property
    def kind(self) -> str:
        """The content type."""
        ...

    @property
    def model(self) -> str | None: ...

    def get(self, name: str) -> Any:
        """A field's value; a form's are strings."""
        ...

    def renamed(self, model: str) -> Body:
        """The body for another name of the model."""
        ...


@dataclass(frozen=True, slots=True)
class JsonContent:
    body: bytes
    document: dict[str, Any]
    model: str | None
    kind: str = JSON
    model_at: tuple[Span, ...] = ()

    def get(self, name: str) -> Any:
        return self.document.get(name)

    def renamed(self, model: str) -> Body:
        if self.model == model:
            return self.body
        if self.model is None:
            return add_model(self.body, model)
        return replace_model(self.body, model, self.model_at)


@dataclass(frozen=True, slots=True)
class FormContent:
    body: bytearray
    fields: dict[str, Field]
    kind: str
    boundary: bytes

    @property
    def model(self) -> str | None:
        field = self.fields.get("model")
        return field.value if field else None

    def get(self, name: str) -> Any:
        field = self.fields.get(name)
        return field.value if field else None

    def renamed(self, model: str) -> Body:
        pieces = self._pieces(model)
        if len(self.body) <= LARGE:
            return b"".join(bytes(piece) for piece in pieces)
        return slowly(pieces)

    def _pieces(self, model: str) -> list[memoryview]:
        view, field = memoryview(self.body), self.fields.get("model")
        if field is None:
            first = 2 if self.body.startswith(b"\r\n") else 0
            return [memoryview(MODEL_PART % (self.boundary, model.encode())), view[first:]]
        if field.value == model:
            return [view]
        return [view[: field.start], memoryview(model.encode()), view[field.end :]]


async def slowly(pieces: list[memoryview]) -> AsyncIterator[bytes]:
    for piece in pieces:
        for start in range(0, len(piece), PIECE):
            yield bytes(piece[start : start + PIECE])


def read_json(body: bytes) -> JsonContent:
    """Raises RequestInvalid."""
    document = read_document(body)
    if not document:
        raise RequestInvalid("The JSON body of your request is empty.")
    model = read_model_name(document) if document.get("model") is not None else None
    return JsonContent(body, document, model, model_at=model_places(body))


def read_form(body: bytearray, content_type: str) -> FormContent:
    """Raises RequestInvalid."""
    fields = read_fields(body, content_type)
    content = FormContent(body, fields, content_type, boundary_of(content_type))
    if content.model is not None:
        read_model_name({"model": content.model})
    return content
