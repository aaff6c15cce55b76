"""The response cache of a process: whether a call may be answered from it, and with what."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal
from uuid import UUID

from prometheus_client import Counter

from app.core.errors import AppError
from app.core.kernel import Kernel
from app.core.log import get_logger
from app.core.metrics import REGISTRY
from app.core.vectors import VectorsAway
from app.inference.cache.digest import (
    Question,
    canonical,
    digest,
    question_of,
    temperature_of,
)
from app.inference.cache.entries import Entries, author_key, entry_key, index_key
from app.inference.cache.errors import CacheDirectiveInvalid
from app.inference.cache.known import KnownRules
from app.inference.cache.place import Place
from app.inference.cache.rules import CacheRule
from app.inference.cache.semantic import Questions
from app.inference.cache.stored import Status, Stored, dump, is_whole
from app.inference.embeddings.embedders import Embedders
from app.inference.providers.types import ChatResult
from app.inference.usage.payer import Payer

log = get_logger(__name__)

HEADER: Final = b"x-luminous-cache"
# What goes on elsewhere with the answer; one that is given again would be no part of it.
GOES_ON: Final = ("background", "conversation", "store", "thread")
LOOK_UPS: Final = Counter(
    "luminous_cache_look_ups",
    "Calls under a cache policy, by what the cache had for them.",
    ("status",),
    registry=REGISTRY,
)
Directive = Literal["use", "bypass", "refresh"]


@dataclass(slots=True)
class Inquiry:
    """A request as the cache sees it. `guards` is the digest of the guardrails that apply to it.

    `headers` are the client's own that go to the provider.
    """

    dialect: str
    model: str
    document: dict[str, Any]
    route_id: str | None = None
    directive: Directive = "use"
    guards: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Hit:
    """An answer of the cache: how it was found, and how old it is in seconds."""

    status: Status
    stored: Stored
    age: int


def directive_of(value: str | None) -> Directive:
    """What a request's X-Luminous-Cache asks for; raises CacheDirectiveInvalid."""
    if value is None:
        return "use"
    match value.strip().lower():
        case "":
            return "use"
        case "bypass":
            return "bypass"
        case "refresh":
            return "refresh"
    raise CacheDirectiveInvalid(
        "X-Luminous-Cache: expected `bypass` or `refresh`; leave the header out to use the cache."
    )


def headers_of(status: Status, age: int = 0) -> list[tuple[bytes, bytes]]:
    """What an answer's head tells of the cache."""
    told = [(HEADER, status.encode())]
    if status in ("hit", "semantic-hit"):
        told.append((b"age", b"%d" % age))
    return told


class Responses:
    """One a process. `of` is asked for each call; what it gives is used for that call only."""

    def __init__(self, kernel: Kernel, known: KnownRules, embedders: Embedders) -> None:
        self.entries = Entries(kernel.valkey, kernel.vault)
        self.questions = Questions(kernel.vectors)
        self._known = known
        self._embedders = embedders
        self._background = kernel.background

    def are_none(self, workspace_id: UUID) -> bool:
        """Whether a workspace is known to have no caches: most have none."""
        return self._known.peek(workspace_id) == ()

    async def of(self, payer: Payer, inquiry: Inquiry) -> "CacheUse | None":
        """The cache that a call falls under; None where there is none. Waits for nothing fresh."""
        rules = self._known.peek(payer.workspace_id)
        if rules is None:
            rules = await self._known.get(payer.workspace_id)
        if not rules or inquiry.directive == "bypass":
            return None
        for rule in rules:
            if rule.takes(payer, inquiry.model, inquiry.route_id) and _fits(rule, inquiry):
                return CacheUse(self, payer, rule, inquiry)
        return None

    def forget(self, workspace_id: UUID) -> None:
        """Load a workspace's caches anew at its next call."""
        self._known.forget(workspace_id)

    def purge(self, workspace_id: UUID, cache_id: UUID) -> None:
        """Delete what a cache has kept, soon; its generation hides it at once."""

        async def work() -> None:
            await self.entries.purge(workspace_id, cache_id)
            try:
                await self.questions.purge(workspace_id, cache_id)
            except VectorsAway as error:
                log.warning("cache_questions_not_purged", reason=repr(error))

        self.soon(work)

    async def vector(self, payer: Payer, rule: CacheRule, text: str) -> tuple[str, list[float]]:
        """The embedding of a text, and the name of its model."""
        embedder = await self._embedders.of(replace(payer, purpose="cache"), rule.embedding_model)
        return embedder.name, (await embedder.embed([text]))[0]

    def soon(self, work: Callable[[], Awaitable[object]]) -> None:
        """Have this done while nobody waits for it."""
        self._background.soon("cache", work)


class CacheUse:
    """One call under one cache policy."""

    def __init__(
        self, responses: Responses, payer: Payer, rule: CacheRule, inquiry: Inquiry
    ) -> None:
        document = canonical(inquiry.document)
        around = (
            rule.generation, rule.owner(payer), inquiry.dialect, inquiry.model,
            str(inquiry.route_id), inquiry.guards, dict(inquiry.headers),
        )  # fmt: skip
        self.rule = rule
        self.digest = digest(*around, document)
        self.key = entry_key(payer.workspace_id, rule.id, self.digest)
        self._responses = responses
        self._payer = payer
        self._refreshes = inquiry.directive == "refresh"
        self._question = question_of(document) if rule.threshold is not None else None
        self._around = digest(*around)
        self._vector: tuple[str, list[float]] | None = None

    @property
    def coalesces(self) -> bool:
        return self.rule.coalesces and not self._refreshes

    async def look_up(self) -> Hit | None:
        """The answer that is there already; whatever is away, it is a miss."""
        found = None if self._refreshes else await self._find()
        LOOK_UPS.labels(found.status if found else "miss").inc()
        return found

    def keep(self, result: ChatResult, *, cost: int | None, provider: str, model: str) -> bool:
        """Keep an answer, soon, if it may be given again; tells whether it will be."""
        if not is_whole(result, tool_calls=self.rule.caches_tool_calls):
            return False
        stored = Stored(result, time.time(), cost, provider, model)
        if len(dump(stored)) > self.rule.max_answer_bytes:
            return False
        self._responses.soon(lambda: self.write(stored))
        return True

    async def write(self, stored: Stored) -> None:
        rule, workspace_id = self.rule, self._payer.workspace_id
        await self._responses.entries.put(
            self.key,
            stored,
            index=index_key(workspace_id, rule.id),
            author=author_key(workspace_id, self._payer.user_id),
            seconds=rule.ttl_seconds,
            most=rule.max_entries,
        )
        if self._question is not None and self._responses.questions.there:
            await self._write_question(self._question)

    async def _write_question(self, question: Question) -> None:
        try:
            model, vector = await self._embedding(question)
            await self._responses.questions.add(
                model,
                self._place(question),
                vector,
                key=self.key,
                user_id=self._payer.user_id,
                end=time.time() + self.rule.ttl_seconds,
            )
        except (AppError, VectorsAway) as error:
            log.warning("cache_question_not_kept", reason=repr(error))

    async def _find(self) -> Hit | None:
        if self.rule.exact and (stored := await self._responses.entries.get(self.key)):
            return _hit("hit", stored)
        if self._question is None or not self._responses.questions.there:
            return None
        key = await self._nearest(self._question)
        stored = await self._responses.entries.get(key) if key else None
        return _hit("semantic-hit", stored) if stored else None

    async def _nearest(self, question: Question) -> str | None:
        try:
            model, vector = await self._embedding(question)
        except AppError as error:
            log.warning("cache_embedder_away", code=error.code)
            return None
        return await self._responses.questions.nearest(
            model, self._place(question), vector, self.rule.threshold or 1.0
        )

    async def _embedding(self, question: Question) -> tuple[str, list[float]]:
        if self._vector is None:
            self._vector = await self._responses.vector(self._payer, self.rule, question.text)
        return self._vector

    def _place(self, question: Question) -> Place:
        partition = digest(self._around, question.context)
        return Place(self._payer.workspace_id, self.rule.id, partition)


def _fits(rule: CacheRule, inquiry: Inquiry) -> bool:
    if any(inquiry.document.get(name) for name in GOES_ON):
        return False
    return not rule.zero_temperature_only or temperature_of(inquiry.document) == 0


def _hit(status: Status, stored: Stored) -> Hit:
    return Hit(status, stored, max(0, round(time.time() - stored.stored_at)))


__all__ = [
    "HEADER", "CacheUse", "Directive", "Hit", "Inquiry", "Responses", "directive_of", "headers_of",
]  # fmt: skip
