"""Collections of points on the disk, in the engine of a Qdrant server (Qdrant Edge).

A change is on the disk before it is answered. What was deleted leaves the files a little later.
"""

import asyncio
import re
import shutil
import time
from pathlib import Path
from typing import Final

import orjson
import qdrant_edge as edge

NAME: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,199}")
QUIET_SECONDS: Final = 2  # after a deletion, before files are written anew
SHARE_OF_TIME: Final = 20  # of which rewriting files takes one: nothing else is answered meanwhile

# Exact search: building graphs holds up everything else for a minute at 100,000 points, where a
# search without one takes 20 ms. Deleted points are not kept in any number.
OPTIMIZERS: Final = edge.EdgeOptimizersConfig(
    deleted_threshold=0.0, vacuum_min_vector_number=1, indexing_threshold=1_000_000_000
)
DISTANCES: Final = {
    "Cosine": edge.Distance.Cosine,
    "Dot": edge.Distance.Dot,
    "Euclid": edge.Distance.Euclid,
    "Manhattan": edge.Distance.Manhattan,
}


class Refused(Exception):
    """What is asked for cannot be done: a status, and why."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class Collection:
    """A folder of points with one vector each."""

    def __init__(self, folder: Path, size: int, distance: str) -> None:
        self.size = size
        self.distance = distance
        vectors = edge.EdgeVectorParams(size=size, distance=DISTANCES[distance])
        # Without a log of changes: each is flushed, and nothing deleted stays behind in one.
        config = edge.EdgeConfig(vectors=vectors, optimizers=OPTIMIZERS, wal_enabled=False)
        known = (folder / "segments").is_dir()
        self.shard = (edge.EdgeShard.load if known else edge.EdgeShard.create)(str(folder), config)

    def change(self, operation: edge.UpdateOperation) -> None:
        self.shard.update(operation)
        self.shard.flush()


class Engine:
    """All collections of a folder. One thing at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[str, Collection] = {}
        self._deleted_from: set[str] = set()
        self._rests_until = 0.0
        self._forget_stand_in()

    def _forget_stand_in(self) -> None:
        """What the client's own stand-in kept here once is of no use any more."""
        if (self._folder / "meta.json").exists():
            shutil.rmtree(self._folder / "collection", ignore_errors=True)
            (self._folder / "meta.json").unlink()

    def names(self) -> list[str]:
        return sorted(path.parent.name for path in self._folder.glob("*/collection.json"))

    def collection(self, name: str) -> Collection:
        """Raises Refused where there is none."""
        if name not in self._open:
            try:
                made = orjson.loads(self._file(name).read_bytes())
            except FileNotFoundError:
                raise Refused(404, f"Not found: Collection `{name}` doesn't exist!") from None
            self._open[name] = Collection(self._points(name), made["size"], made["distance"])
            self._deleted_from.add(name)  # by a life of this process that ended too soon, perhaps
        return self._open[name]

    def make(self, name: str, size: int, distance: str) -> None:
        if self._file(name).exists():
            raise Refused(409, f"Wrong input: Collection `{name}` already exists!")
        # What a making that was cut short left behind.
        shutil.rmtree(self._folder / name, ignore_errors=True)
        self._points(name).mkdir(parents=True)
        self._open[name] = Collection(self._points(name), size, distance)
        self._open[name].shard.flush()
        written = self._file(name).with_suffix(".new")
        written.write_bytes(orjson.dumps({"size": size, "distance": distance}))
        written.replace(self._file(name))

    def drop(self, name: str) -> bool:
        if not self._file(name).exists():
            return False
        self._file(name).unlink()
        if dropped := self._open.pop(name, None):
            dropped.shard.close()
        shutil.rmtree(self._folder / name, ignore_errors=True)
        return True

    def deleted_from(self, name: str) -> None:
        self._deleted_from.add(name)

    async def rewrite(self) -> None:
        """Write files anew without what was deleted, again and again, soon after a deletion."""
        while True:
            before = set(self._deleted_from)
            await asyncio.sleep(QUIET_SECONDS)
            if not before or time.monotonic() < self._rests_until:
                continue
            begun = time.monotonic()
            for name in before & self._open.keys():
                self._open[name].shard.optimize()
                self._open[name].shard.flush()
            self._deleted_from -= before
            ended = time.monotonic()
            self._rests_until = ended + (ended - begun) * SHARE_OF_TIME

    def close(self) -> None:
        for collection in self._open.values():
            collection.shard.close()

    def _points(self, name: str) -> Path:
        return self._folder / name / "points"

    def _file(self, name: str) -> Path:
        if not NAME.fullmatch(name):
            raise Refused(400, "A collection's name is of letters, digits, `_`, `-` and dots.")
        return self._folder / name / "collection.json"
