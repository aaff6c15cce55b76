"""The order of a search by words, against a plain BM25 over the same words; and the fusion."""

import json
from pathlib import Path
from uuid import UUID

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from rank_bm25 import BM25Okapi
from sqlalchemy import text

from app.core.ids import new_id
from app.knowledge.passages import lexical
from app.knowledge.passages.draft import Draft
from app.knowledge.passages.lexical import Match
from app.knowledge.search.fusion import fuse
from app.knowledge.search.question import Weights
from app.knowledge.vectors.index import Hit

CORPUS = Path(__file__).parent / "corpus"
K = 10
LEXEMES = text("""
    select p.id, lexeme, cardinality(positions) from passages p, unnest(lexemes)
    where workspace_id = :workspace_id
""")
ASKED = text("select lexeme from unnest(to_tsvector('english', :question))")


def lines(name):
    return [json.loads(line) for line in (CORPUS / name).read_text().splitlines()]


async def plain_bm25(library, questions) -> list[list[UUID]]:
    async with library.app.state.kernel.database.unit(library.access.scope) as session:
        rows = (await session.execute(LEXEMES, {"workspace_id": library.access.workspace_id})).all()
        asked = [
            list((await session.scalars(ASKED, {"question": each["question"]})).all())
            for each in questions
        ]
    tokens: dict[UUID, list[str]] = {}
    for passage_id, lexeme, count in rows:
        tokens.setdefault(passage_id, []).extend([lexeme] * count)
    names, ranker = list(tokens), BM25Okapi(list(tokens.values()), k1=1.2)
    return [
        [names[place] for place in np.argsort(-ranker.get_scores(words), kind="stable")[:K]]
        for words in asked
    ]


async def test_words_are_ranked_as_bm25_ranks_them(library, monkeypatch):
    questions = lines("questions.jsonl")
    drafts = [
        Draft(each["text"], each["title"], each["heading"], "en")
        for each in lines("passages.jsonl")
    ]
    document = await library.put(*drafts, embed=False)
    plain = await plain_bm25(library, questions)

    async def overlap():
        shared = 0
        for each, expected in zip(questions, plain, strict=True):
            found = (await library.ask(each["question"], mode="lexical", highlights=False)).found
            shared += len({hit.passage.id for hit in found} & set(expected))
        return shared / (K * len(questions))

    assert await overlap() > 0.85
    # The same, where a sample says which words are common.
    monkeypatch.setattr(lexical, "FEW", 100)
    library.searching.lexical = lexical.Lexical()
    assert await overlap() > 0.8
    await library.remove(document)


IDS = [new_id() for _ in range(12)]


@given(
    near=st.lists(st.sampled_from(IDS), unique=True, max_size=12),
    worded=st.lists(st.sampled_from(IDS), unique=True, max_size=12),
    semantic=st.sampled_from([0.0, 0.5, 1.0, 10.0]),
    words=st.sampled_from([0.0, 0.5, 1.0, 10.0]),
)
def test_fusion_keeps_each_lists_order_and_loses_nothing(near, worded, semantic, words):
    hits = [Hit(each, 1 - place / 100) for place, each in enumerate(near)]
    matches = [Match(each, 100.0 - place) for place, each in enumerate(worded)]
    fused = fuse([hits], matches, Weights(semantic, words))
    assert {each[0] for each in fused} == {*near, *worded}
    assert [each[1] for each in fused] == sorted((each[1] for each in fused), reverse=True)
    if semantic > 0:
        alone = fuse([hits], [], Weights(semantic, words))
        assert [each[0] for each in alone] == near
    if words > 0:
        assert [each[0] for each in fuse([], matches, Weights(1, words))] == worded


def test_a_place_by_words_counts_as_far_as_the_words_are_there():
    near, few, all_of_them = IDS[:3]
    hits = [Hit(near, 0.9)]
    fused = fuse([hits], [Match(few, 9.0, 0.1), Match(all_of_them, 8.0, 1.0)], Weights())
    assert [each[0] for each in fused] == [near, all_of_them, few]
