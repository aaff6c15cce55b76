"""Search: how much it finds, how long it takes at a hundred thousand chunks, and ingestion.

Recall at 10 on a corpus of our own documentation with questions written by hand
(`tests/knowledge/search/corpus/`): by words, by meaning, and both, beside a plain BM25 (rank_bm25)
over the same words. How much a place among those found by words counts (the power of the passage's
share of the words) is chosen on every other question; the figures of the others, held out, tell
what the choice is worth. Latency of whole searches, from the question to highlighted hits, one
after the other, on both stores of vectors, with the recall among all chunks, and of suggestions;
the chunks around the corpus are made, and so are their vectors. Ingestion with the local model:
from texts to vectors that are found. Indexes are built after the filling, as a restored backup has
them built.

    .venv/bin/python scripts/bench/search.py [--quick] [--chunks N] [--store qdrant|pgvector]

`--quick` takes 10,000 chunks and ends within a minute. The last line is one JSON document.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import UUID

from corpus import HALVES, Question, Written, fillers, passages, questions
from processes import ROOT

sys.path.insert(0, str(ROOT))

import numpy as np
from pydantic import SecretStr
from rank_bm25 import BM25Okapi
from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from app.cli.embedded import EmbeddedEngines
from app.core.auth import Access, Permission
from app.core.config import Settings
from app.core.db import SYSTEM, Scope, sync_engine
from app.core.ids import new_id
from app.core.migrations import upgrade
from app.identity.workspaces.models import Workspace
from app.inference.usage.payer import payer_of
from app.knowledge.passages import service
from app.knowledge.passages.draft import Draft, Subject
from app.knowledge.passages.lexical import Lexical, Match
from app.knowledge.search.question import Filters, Mode
from app.knowledge.search.question import Question as Asked
from app.knowledge.search.reranking import Rerankers
from app.knowledge.search.searching import Searching
from app.knowledge.search.suggesting import suggestions
from app.knowledge.vectors.index import Point, Reach
from app.main import create_app

MODES: tuple[Mode, ...] = ("lexical", "semantic", "hybrid")
STORES = ("qdrant", "pgvector")
K = 10
AT_ONCE = 5_000
DIMENSIONS = 384
# Of a search by mode is timed what fits into so many seconds, and ten in any case.
LONGEST_SECONDS = 15
EXPONENTS = (0.0, 0.5, 1.0, 2.0)
USED = 1.0
OF_PASSAGES = ("ix_passages_lexemes", "ix_passages_title")
OF_VECTORS = (f"ix_passage_vectors_{DIMENSIONS}",)
_FILL = text("""
    insert into passages (id, workspace_id, kind, parent_id, subject_id, created_by_id, ordinal,
        title, heading, text, locator, config, content_sha256, space)
    select id, :workspace_id, 'document', :parent, id, :workspace_id, 0,
        initcap(substring(said from '^\\S+ \\S+ \\S+')), '', said, '{}',
        'english', convert_to(id::text, 'UTF8'), :space
    from unnest(cast(:ids as uuid[]), cast(:texts as text[])) as t(id, said)
""")
_LEXEMES = text("""
    select p.id, lexeme, cardinality(positions) from passages p, unnest(lexemes)
    where workspace_id = :workspace_id
""")
_INDEXES = text("select indexname, indexdef from pg_indexes where indexname = any(:names)")
_ASKED = text("select lexeme from unnest(to_tsvector('english', :question))")


class Everything:
    """A Source of documents: all of the workspace's."""

    kind = "document"

    async def reach(self, *_: Any) -> Reach:
        return Reach(self.kind)

    async def models(self, *_: Any) -> dict[UUID | None, str | None]:
        return {}

    async def visible(self, _session: Any, _access: Access, ids: Sequence[UUID]) -> set[UUID]:
        return set(ids)


class Shaped(Lexical):
    """Has a place among those found by words count as another power of the share of the words."""

    def __init__(self, exponent: float) -> None:
        super().__init__()
        self._exponent = exponent

    async def search(self, *given: Any) -> list[Match]:
        found = await super().search(*given)
        return [replace(each, share=each.share**self._exponent) for each in found]


@dataclass
class Shelf:
    """The workspace that is searched: its chunks are in Postgres once, for every store."""

    access: Access
    space: str = ""
    names: dict[UUID, str] = field(default_factory=dict)
    points: list[list[Point]] = field(default_factory=list)


class Bench:
    """One store of vectors under measurement."""

    def __init__(self, app: Any, shelf: Shelf) -> None:
        self.kernel, self.knowledge = app.state.kernel, app.state.knowledge
        inference = app.state.inference
        self.embedders, self.shelf, self.access = inference.embedders, shelf, shelf.access
        self.payer = payer_of(self.access, "search", new_id())
        self.searching = Searching(
            self.kernel.database,
            inference.embedders,
            self.knowledge.index,
            {"document": Everything()},
            Rerankers(inference.directory, inference.own),
        )

    async def ingest(self, written: Sequence[Written]) -> float:
        """The corpus by the way that documents take; returns chunks a second."""
        workspace_id = self.access.workspace_id
        began = time.perf_counter()
        for each in written:
            subject = Subject(
                workspace_id, "document", new_id(), self.access.user_id, parent_id=new_id()
            )
            self.shelf.names[subject.id] = each.name
            draft = Draft(each.text, each.title, each.heading, "en")
            async with self.kernel.database.unit(Scope(workspace_id)) as session:
                await service.put(session, subject, [draft])
        await self.knowledge.indexer.catch_up()
        return len(written) / (time.perf_counter() - began)

    async def fill(self, count: int, written: Sequence[Written]) -> None:
        """Chunks around the corpus, with made vectors; the corpus's own are kept with them."""
        workspace_id, parent = self.access.workspace_id, new_id()
        embedder = await self.embedders.of(self.payer, None)
        self.shelf.space = embedder.name
        async for page in self.knowledge.index.points(embedder.name):
            self.shelf.points.append([point for _, point in page])
        dice, texts = np.random.default_rng(1), fillers(count, written)
        for start in range(0, count, AT_ONCE):
            ids = [new_id() for _ in range(min(AT_ONCE, count - start))]
            given = {
                "workspace_id": workspace_id,
                "parent": parent,
                "space": embedder.name,
                "ids": ids,
                "texts": [next(texts) for _ in ids],
            }
            async with self.kernel.database.unit(Scope(workspace_id)) as session:
                await session.execute(_FILL, given)
            vectors = dice.standard_normal((len(ids), DIMENSIONS), dtype=np.float32)
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            self.shelf.points.append(
                [
                    Point(each, array("f", vector.tobytes()), "document", each, parent)
                    for each, vector in zip(ids, vectors, strict=True)
                ]
            )

    async def keep_vectors(self) -> None:
        for points in self.shelf.points:
            await self.knowledge.index.upsert(self.access.workspace_id, self.shelf.space, points)

    async def found(self, question: str, mode: Mode) -> list[str]:
        """The names of the first ten; the chunks around the corpus have none."""
        asked = Asked(question, mode=mode, limit=K)
        findings = await self.searching.find(self.access, self.payer, asked)
        return [self.shelf.names.get(each.passage.subject_id, "") for each in findings.found]

    async def lists(self, asked: Sequence[Question]) -> dict[str, list[list[str]]]:
        """What each way finds for each question: first the usual ones, then other exponents."""
        found: dict[str, list[list[str]]] = {
            mode: [await self.found(each.text, mode) for each in asked] for mode in MODES
        }
        found["bm25"] = await self.plain_bm25(asked)
        usual = self.searching.lexical
        for exponent in EXPONENTS:
            if exponent != USED:
                self.searching.lexical = Shaped(exponent)
                found[power(exponent)] = [await self.found(each.text, "hybrid") for each in asked]
        found[power(USED)] = found["hybrid"]
        self.searching.lexical = usual
        return found

    async def plain_bm25(self, asked: Sequence[Question]) -> list[list[str]]:
        """rank_bm25 over the lexemes that Postgres made, with no index and no shortcut."""
        scope = {"workspace_id": self.access.workspace_id}
        async with self.kernel.database.unit(self.access.scope) as session:
            rows = (await session.execute(_LEXEMES, scope)).all()
            subjects = dict(
                (await session.execute(text("select id, subject_id from passages"))).all()
            )
            asked_words = [
                list((await session.scalars(_ASKED, {"question": each.text})).all())
                for each in asked
            ]
        tokens: dict[UUID, list[str]] = {}
        for passage_id, lexeme, count in rows:
            tokens.setdefault(passage_id, []).extend([lexeme] * count)
        names = [self.shelf.names.get(subjects[each], "") for each in tokens]
        ranker = BM25Okapi(list(tokens.values()), k1=1.2)
        return [
            [names[place] for place in np.argsort(-ranker.get_scores(words), kind="stable")[:K]]
            for words in asked_words
        ]

    async def searches(self, asked: Sequence[Question]) -> dict[str, dict[str, float]]:
        """By mode: milliseconds a search (median, 95th percentile), and recall among all chunks."""
        taken: dict[str, dict[str, float]] = {}
        for mode in MODES:
            await self.found("a question before the clock runs", mode)
            times: list[float] = []
            lists: list[list[str]] = []
            for each in asked:
                began = time.perf_counter()
                lists.append(await self.found(each.text, mode))
                times.append((time.perf_counter() - began) * 1000)
                if len(times) >= K and sum(times) > LONGEST_SECONDS * 1000:
                    break
            taken[mode] = {
                "p50_ms": statistics.median(times),
                "p95_ms": float(np.quantile(times, 0.95)),
                "recall_at_10": figures(asked[: len(lists)], lists)["recall"],
            }
        return taken

    async def suggesting(self, asked: Sequence[Question]) -> tuple[float, float]:
        """The same of suggestions, for words as far as they are typed."""
        times = []
        words = [max(each.text.split(), key=len) for each in asked]
        for typed in (word[:letters] for word in words for letters in range(1, 6)):
            began = time.perf_counter()
            async with self.kernel.database.unit(self.access.scope) as session:
                await suggestions(
                    session,
                    self.access,
                    self.searching.sources,
                    self.searching.lexical,
                    typed,
                    Filters(),
                    8,
                )
            times.append((time.perf_counter() - began) * 1000)
        return statistics.median(times), float(np.quantile(times, 0.95))


def power(exponent: float) -> str:
    return f"share^{exponent:g}"


def by_part(
    asked: Sequence[Question], found: dict[str, list[list[str]]]
) -> dict[str, dict[str, dict[str, float]]]:
    """The figures of each way, over all questions, by kind, and by half."""
    told = {}
    for part in ("all", "paraphrase", "words", *HALVES):
        places = [n for n, each in enumerate(asked) if part in ("all", each.kind, each.half)]
        told[part] = {
            way: figures([asked[n] for n in places], [lists[n] for n in places])
            for way, lists in found.items()
        }
    return told


def figures(asked: Sequence[Question], lists: Sequence[Sequence[str]]) -> dict[str, float]:
    """Means over the questions: recall at 10, and the reciprocal rank of the first right one."""
    recalls, ranks = [], []
    for question, found in zip(asked, lists, strict=True):
        recalls.append(len(question.relevant & set(found[:K])) / len(question.relevant))
        hits = [rank for rank, name in enumerate(found, 1) if name in question.relevant]
        ranks.append(1 / hits[0] if hits else 0.0)
    return {"recall": statistics.mean(recalls), "mrr": statistics.mean(ranks)}


async def measure(folder: Path, stores: Sequence[str], chunks: int, asked: int) -> dict[str, Any]:
    """All figures; `asked` is how many searches of each mode are timed."""
    found: dict[str, Any] = {"stores": {}}
    written, every = passages(), questions()
    with EmbeddedEngines(folder, durable=False) as engines:
        upgrade(str(engines.database_url))
        shelf = Shelf(Access(new_id(), new_id(), frozenset(Permission), "session", new_id()))
        for store in stores:
            app = create_app(_settings(engines, folder, store))
            async with app.router.lifespan_context(app):
                await app.state.upper.opened()
                bench = Bench(app, shelf)
                if not shelf.names:
                    found |= await prepare(bench, written, every)
                    with built_afterwards(str(engines.database_url), OF_PASSAGES):
                        await bench.fill(chunks - len(written), written)
                began = time.perf_counter()
                with built_afterwards(str(engines.database_url), OF_VECTORS):
                    await bench.keep_vectors()
                stored = sum(map(len, shelf.points)) / (time.perf_counter() - began)
                # Of each kind and half, in few as in all.
                timed = every[:: max(1, len(every) // asked)][:asked]
                found["stores"][store] = {"stored": stored, "modes": await bench.searches(timed)}
                found["suggestions"] = await bench.suggesting(timed)
    return found


async def prepare(
    bench: Bench, written: Sequence[Written], asked: Sequence[Question]
) -> dict[str, Any]:
    """The corpus is taken in and asked alone."""
    async with bench.kernel.database.unit(SYSTEM) as session:
        session.add(Workspace(id=bench.access.workspace_id, name="Bench"))
    ingested = await bench.ingest(written)
    return {"ingested": ingested, "recall": by_part(asked, await bench.lists(asked))}


def _settings(engines: EmbeddedEngines, folder: Path, store: str) -> Settings:
    return Settings(
        _env_file=None,
        database_url=SecretStr(str(engines.database_url)),
        redis_url=SecretStr(str(engines.redis_url)),
        data_dir=folder / "data",
        log_level="warning",
        vectors=store,
        demo_provider="never",
        discover_local_models=False,
    )


@contextmanager
def built_afterwards(url: str, indexes: Sequence[str]) -> Iterator[None]:
    """Build these indexes after the block, and do what autovacuum does after a while."""
    engine = sync_engine(url).execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        rows = connection.execute(_INDEXES, {"names": list(indexes)}).all()
        for row in rows:
            connection.exec_driver_sql(f"drop index {row.indexname}")
        yield
        connection.exec_driver_sql("set maintenance_work_mem = '512MB'")
        for row in rows:
            connection.exec_driver_sql(row.indexdef)
        connection.exec_driver_sql("vacuum analyze")
    engine.dispose()


def show(console: Console, found: dict[str, Any], chunks: int) -> None:
    for title, ways in (("", ("bm25", *MODES)), (", hybrid", [power(each) for each in EXPONENTS])):
        table = Table(title=f"Recall at {K} and MRR, 300 passages{title}")
        for name in ("questions", *ways):
            table.add_column(name, justify="left" if name == "questions" else "right")
        for part, by_way in found["recall"].items():
            cells = [f"{by_way[way]['recall']:.3f} / {by_way[way]['mrr']:.3f}" for way in ways]
            table.add_row(part, *cells)
        console.print(table)
    table = Table(
        title=f"Among {chunks:,} chunks: milliseconds a search (median / 95th percentile), recall"
    )
    for name in ("store", *MODES, "vectors stored a second"):
        table.add_column(name, justify="left" if name == "store" else "right")
    for store, each in found["stores"].items():
        cells = [
            f"{told['p50_ms']:.0f} / {told['p95_ms']:.0f}, {told['recall_at_10']:.3f}"
            for told in (each["modes"][mode] for mode in MODES)
        ]
        table.add_row(store, *cells, f"{each['stored']:.0f}")
    console.print(table)
    console.print(f"Ingested with the local model: {found['ingested']:.0f} chunks a second")
    middle, high = found["suggestions"]
    console.print(f"Milliseconds a suggestion: {middle:.1f} / {high:.1f}")


def flat(found: dict[str, Any], chunks: int) -> dict[str, float]:
    """One number by name."""
    told: dict[str, float] = {
        "chunks": chunks,
        "ingestion_chunks_per_second": round(found["ingested"], 1),
    }
    told["p50_ms.suggestions"], told["p95_ms.suggestions"] = (
        round(each, 1) for each in found["suggestions"]
    )
    for part, by_way in found["recall"].items():
        for way, each in by_way.items():
            told[f"recall_at_10.{part}.{way}"] = round(each["recall"], 4)
            told[f"mrr.{part}.{way}"] = round(each["mrr"], 4)
    for store, each in found["stores"].items():
        for mode, by_name in each["modes"].items():
            told |= {f"{name}.{store}.{mode}": round(of, 3) for name, of in by_name.items()}
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--chunks", type=int, default=100_000)
    parser.add_argument("--store", choices=STORES, action="append")
    given = parser.parse_args()
    chunks, asked = (10_000, 20) if given.quick else (given.chunks, 1_000)
    with tempfile.TemporaryDirectory(prefix="luminous-bench-", ignore_cleanup_errors=True) as at:
        found = asyncio.run(measure(Path(at), given.store or STORES, chunks, asked))
    show(Console(), found, chunks)
    print(json.dumps({"figures": flat(found, chunks)}))


if __name__ == "__main__":
    main()
