"""A line as its provider's batch API takes it, and what its answer there tells."""

from typing import Any, Final

import orjson

from app.inference.batches.answering import DIALECTS, EMBEDDINGS
from app.inference.batches.models import BatchLine
from app.inference.batches.upstream import Answered
from app.inference.integrations.directory import Target
from app.inference.operations.content import read_json
from app.inference.operations.told import usage_of
from app.inference.providers.types import Usage

NO_ANSWER: Final = 504


def body_for(line: BatchLine, target: Target, most: int | None = None) -> bytes:
    """The line's bytes for the provider's own name of the model; `most` limits its answer."""
    body = orjson.dumps(line.body)
    if line.url == EMBEDDINGS:
        renamed = read_json(body).renamed(target.model)
        assert isinstance(renamed, bytes)  # noqa: S101 - JSON is never sent in pieces
        return renamed
    dialect = DIALECTS[line.url]
    ask = dialect.read(body)
    if most is not None:
        ask = dialect.limited(ask, target.endpoint, most)
    return dialect.upstream_body(ask, target.model)


def used_by(url: str, answer: Answered) -> Usage | None:
    """What an answer tells of its usage; None for one that is an error."""
    if answer.code >= 400 or not isinstance(answer.body, dict):
        return None
    body: dict[str, Any] = answer.body
    if url == EMBEDDINGS:
        return usage_of(body.get("usage")) or Usage()
    return DIALECTS[url].usage_of(body) or Usage()


def no_answer(identity: str) -> Answered:
    said = "The provider's batch ended without an answer to this request."
    return Answered(identity, NO_ANSWER, {"error": {"message": said, "type": "server_error"}})
