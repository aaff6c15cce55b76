"""Qdrant's local engine in a thread of its own. Imported where it is first used: it is 50 MB.

It computes and writes where it is called: on the loop it would hold up every stream of the process.
Its client has no settings for what is mended in it below; tests hold that it still is.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from qdrant_client import QdrantClient, models
from qdrant_client.local import local_collection
from qdrant_client.local.local_collection import LocalCollection
from qdrant_client.local.payload_filters import check_condition
from qdrant_client.local.persistence import CollectionPersistence
from qdrant_client.local.utils import normalize_point_ids


class QdrantHere:
    """Used as Qdrant's async client; what is asked waits for its turn in the thread.

    There is one, since the engine cannot do two things at a time.
    """

    def __init__(self, folder: Path) -> None:
        """Waits until the folder is read; raises what the client raises."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="qdrant")
        self._client = self._thread.submit(QdrantClient, path=str(folder)).result()

    def __getattr__(self, name: str) -> Callable[..., Coroutine[Any, Any, Any]]:
        method = getattr(self._client, name)

        async def called(*given: Any, **more: Any) -> Any:
            asked = partial(method, *given, **more)
            return await asyncio.get_running_loop().run_in_executor(self._thread, asked)

        return called

    async def create_payload_index(self, *_: Any, **__: Any) -> None:
        """It has no indexes, and would warn of it."""

    async def close(self) -> None:
        """Once everything that was asked before is done."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._client.close)
        self._thread.shutdown(wait=False)


class Matching:
    """What a filter lets through, a condition at a time over all points that are left.

    The engine puts the whole filter to one point after another, at 60 microseconds each: here the
    first condition, the workspace, costs a hundredth of it and leaves only what is its own.
    """

    def __init__(
        self,
        payloads: Sequence[dict[str, Any]],
        ids: Sequence[Any],
        deleted: Mapping[str, Sequence[Any]],
    ) -> None:
        self._payloads = payloads
        self._ids = ids
        self._deleted = deleted

    def mask(self, wanted: models.Filter | None) -> Any:
        """One truth value a point."""
        found = np.zeros(len(self._payloads), dtype=bool)
        places = range(len(self._payloads))
        found[places if wanted is None else self._of(places, wanted)] = True
        return found

    def _of(self, places: Sequence[int], condition: Any) -> Sequence[int]:
        match condition:
            case models.Filter(must_not=None, min_should=None):
                for each in _listed(condition.must):
                    places = self._of(places, each)
                if should := _listed(condition.should):
                    either = {place for each in should for place in self._of(places, each)}
                    places = [place for place in places if place in either]
                return places
            case models.FieldCondition(match=models.MatchValue(value=str(value)), key=key):
                return self._among(places, key, {value}, condition)
            case models.FieldCondition(match=models.MatchAny(any=[str(), *_] as values), key=key):
                return self._among(places, key, set(values), condition)
            case models.HasIdCondition():
                named = normalize_point_ids(tuple(condition.has_id))
                return [place for place in places if self._ids[place] in named]
            case _:
                return self._one_by_one(places, condition)

    def _among(
        self, places: Sequence[int], key: str, values: set[Any], condition: Any
    ) -> Sequence[int]:
        if key.isidentifier():
            try:
                return [place for place in places if self._payloads[place].get(key) in values]
            except TypeError:  # a list or an object is among them
                pass
        return self._one_by_one(places, condition)

    def _one_by_one(self, places: Sequence[int], condition: Any) -> Sequence[int]:
        """As the engine does it."""
        return [
            place
            for place in places
            if check_condition(
                condition,
                self._payloads[place],
                self._ids[place],
                {name: True for name, gone in self._deleted.items() if not gone[place]},
            )
        ]


def _listed(conditions: Any) -> Sequence[Any]:
    return conditions if isinstance(conditions, list) else [conditions] if conditions else []


def _mask(
    payloads: Sequence[dict[str, Any]],
    payload_filter: models.Filter | None,
    ids_inv: Sequence[Any],
    deleted_per_vector: Mapping[str, Sequence[Any]],
) -> Any:
    return Matching(payloads, ids_inv, deleted_per_vector).mask(payload_filter)


_make_table = CollectionPersistence._ensure_table  # noqa: SLF001 - see the module
_delete = LocalCollection.delete


def _make_table_relaxed(self: CollectionPersistence) -> None:
    """Commit without waiting for the disk: each point is committed by itself, at 5 ms.

    What is committed outlives this process, however it ends; the last of it may be lost where the
    machine itself fails. What is deleted is written over.
    """
    self.storage.execute("pragma journal_mode = wal")
    self.storage.execute("pragma synchronous = normal")
    self.storage.execute("pragma secure_delete = on")
    _make_table(self)


def _delete_for_good(self: LocalCollection, selector: Any) -> None:
    """What is deleted is gone at once from the log that sparing the disk takes, too."""
    _delete(self, selector)
    if self.storage is not None:
        self.storage.storage.execute("pragma wal_checkpoint(truncate)")


local_collection.calculate_payload_mask = _mask  # type: ignore[attr-defined,assignment]
CollectionPersistence._ensure_table = _make_table_relaxed  # type: ignore[method-assign]  # noqa: SLF001
LocalCollection.delete = _delete_for_good  # type: ignore[method-assign]
