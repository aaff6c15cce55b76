"""Compiled dictionaries that a process keeps, as many as its memory may hold."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from app.core.db import Database, Scope
from app.core.fresh import FRESH_SECONDS
from app.core.log import get_logger
from app.knowledge.detection.compiled import Compiled, compile_terms
from app.knowledge.detection.errors import TooManyTerms
from app.knowledge.dictionary import store
from app.knowledge.dictionary.store import TermRow

log = get_logger(__name__)

# Terms of one set of dictionaries, and of all that a process keeps (about 1 KB each).
MOST_TERMS: Final = 300_000
MOST_KEPT: Final = 600_000
# What a set takes beside its terms, in terms.
_BESIDES: Final = 50

Key = tuple[UUID, tuple[UUID, ...]]


@dataclass(slots=True)
class _Kept:
    compiled: Compiled
    checked_at: float


class Automata:
    """Each set of dictionaries is compiled once for all who ask, in a thread.

    Another process's change is seen within FRESH_SECONDS; `now` looks for one at once.
    """

    def __init__(self, database: Database, *, most: int = MOST_KEPT) -> None:
        self._database = database
        self._most = most
        self._kept: OrderedDict[Key, _Kept] = OrderedDict()
        self._loading: dict[Key, asyncio.Task[Compiled]] = {}
        self._compiling: dict[tuple[Key, str], asyncio.Task[Compiled]] = {}

    async def get(
        self, workspace_id: UUID, dictionary_ids: Sequence[UUID], *, now: bool = False
    ) -> Compiled:
        """Raises TooManyTerms."""
        key = (workspace_id, tuple(sorted(set(dictionary_ids))))
        kept = self._kept.get(key)
        if kept is not None and not now:
            age = time.monotonic() - kept.checked_at
            if age < FRESH_SECONDS:
                if age > FRESH_SECONDS / 2 and key not in self._loading:
                    self._load(key).add_done_callback(_note_failure)
                self._kept.move_to_end(key)
                return kept.compiled
        # One that began before this question may not have seen what it is about.
        task = (None if now else self._loading.get(key)) or self._load(key)
        return await asyncio.shield(task)

    @property
    def terms(self) -> int:
        """How many terms are kept."""
        return sum(kept.compiled.lexicon.count for kept in self._kept.values())

    @property
    def _taken(self) -> int:
        return self.terms + _BESIDES * len(self._kept)

    def _load(self, key: Key) -> asyncio.Task[Compiled]:
        task = asyncio.create_task(self._renew(key), name="automata")
        self._loading[key] = task
        return task

    async def _renew(self, key: Key) -> Compiled:
        began, this = time.monotonic(), asyncio.current_task()
        try:
            compiled = await self._compiled(key, began)
            self._keep(key, compiled, began)
            return compiled
        finally:
            if self._loading.get(key) is this:
                del self._loading[key]

    def _keep(self, key: Key, compiled: Compiled, checked_at: float) -> None:
        known = self._kept.get(key)
        if known is None or known.checked_at <= checked_at:
            self._kept[key] = _Kept(compiled, checked_at)
            self._kept.move_to_end(key)
            self._make_room()

    async def _compiled(self, key: Key, began: float) -> Compiled:
        """What is kept, where nothing has changed since; else it anew, once for all who ask."""
        stamp = ""
        if key[1]:
            async with self._database.unit(Scope(key[0])) as session:
                # Before the terms: what changes in between has them all read again.
                stamp = await store.stamp(session, *key)
        # Only now: another's may have become whole while the stamp was asked for.
        known = self._kept.get(key)
        if known is not None and known.compiled.stamp == stamp:
            return known.compiled
        under_way = self._compiling.get((key, stamp))
        if under_way is None:
            under_way = asyncio.create_task(self._compile(key, stamp, began), name="automata")
            self._compiling[key, stamp] = under_way
            under_way.add_done_callback(lambda _: self._compiling.pop((key, stamp), None))
        return await asyncio.shield(under_way)

    async def _compile(self, key: Key, stamp: str, began: float) -> Compiled:
        rows: Sequence[TermRow] = ()
        if key[1]:
            async with self._database.unit(Scope(key[0])) as session:
                rows = await store.load_terms(session, *key, most=MOST_TERMS + 1)
        if len(rows) > MOST_TERMS:
            raise TooManyTerms(f"At most {MOST_TERMS} terms are looked for; these have more.")
        compiled = await asyncio.to_thread(compile_terms, stamp, rows)
        # Kept before it leaves those under way: whoever asks finds it in one or the other.
        self._keep(key, compiled, began)
        return compiled

    def _make_room(self) -> None:
        while self._taken > self._most and len(self._kept) > 1:
            self._kept.popitem(last=False)


def _note_failure(task: "asyncio.Task[Compiled]") -> None:
    """Say that a renewal failed; whoever asks once the value is stale gets the error itself."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.warning("dictionaries_not_renewed", error=repr(error))
