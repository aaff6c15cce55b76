"""A line as its provider's batch API takes it, and what its answer there tells."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import orjson

from app.inference.batches.answering import DIALECTS, EMBEDDINGS
from app.inference.batches.models import BatchLine
from app.inference.batches.upstream import Answered, Answers
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


@dataclass(slots=True)
class Taken:
    """What came of the lines of a part: `waiting` are those without an answer, by their ids."""

    waiting: dict[str, BatchLine]
    used: dict[UUID, Usage | None] = field(default_factory=dict)

    def take(self, answers: Sequence[Answered]) -> list[tuple[BatchLine, Answered]]:
        """The lines that these answers end; of two to one line the first counts."""
        ended = []
        for answer in answers:
            line = self.waiting.pop(answer.id, None)
            if line is not None:
                ended.append((line, answer))
                if line.request_id is not None:
                    self.used[line.request_id] = used_by(line.url, answer)
        return ended

    def rest(self) -> list[tuple[BatchLine, Answered]]:
        """The lines that no answer came to."""
        return self.take([no_answer(name) for name in self.waiting])


def no_answer(identity: str) -> Answered:
    said = "The provider's batch ended without an answer to this request."
    return Answered(identity, NO_ANSWER, {"error": {"message": said, "type": "server_error"}})


async def nothing() -> Answers:
    """The answers of a batch of which its provider knows nothing any more."""
    return
    yield ()
