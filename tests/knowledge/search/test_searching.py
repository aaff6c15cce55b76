"""Hybrid searches: both lists in one, within the reach, and every passage seen once."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from app.core.clock import now
from app.core.ids import new_id
from app.core.vectors import VectorsAway
from app.knowledge.passages.draft import Draft
from app.knowledge.passages.models import Passage
from app.knowledge.search.errors import SearchUnavailable
from app.knowledge.search.question import Filters, Weights
from tests.knowledge.search.conftest import new_library

FROG = "Frogs live in ponds and eat flies."
CAKE = "Bake the cake at 180 degrees for an hour."
RIVER = "The river rises in the mountains."
CODE = "The part number is XK-7731-B."


async def test_meaning_and_words_are_found_in_one_list(library):
    await library.put(FROG, CAKE, RIVER, CODE)
    findings = await library.ask("an amphibian in the water")
    assert findings.found[0].passage.text == FROG
    assert findings.found[0].scores.lexical_rank is None
    found = (await library.ask("XK-7731-B")).found[0]
    assert (found.passage.text, found.scores.lexical_rank) == (CODE, 1)
    assert found.scores.semantic_rank is not None
    assert findings.warnings == ()


async def test_either_way_can_be_asked_for_alone(library):
    await library.put(FROG, CAKE)
    assert await library.texts("amphibian", mode="lexical") == []
    semantic = (await library.ask("cake", mode="semantic")).found
    assert [each.passage.text for each in semantic] == [CAKE, FROG]
    assert {each.scores.lexical_rank for each in semantic} == {None}
    weighted = (await library.ask("cake", weights=Weights(0, 1))).found
    assert weighted[0].score == pytest.approx(1 / 61)


async def test_what_is_not_embedded_yet_is_found_by_its_words(library):
    await library.put(FROG)
    await library.put(CAKE, embed=False)
    found = {each.passage.text: each.scores for each in (await library.ask("cake")).found}
    assert (found[CAKE].lexical_rank, found[CAKE].semantic_rank) == (1, None)


async def test_without_the_store_only_words_are_searched_and_only_if_asked(library, monkeypatch):
    await library.put(FROG)

    async def away(*_):
        raise VectorsAway("nobody there")

    monkeypatch.setattr(type(library.searching._index), "search", away)
    for mode in ("hybrid", "semantic"):
        with pytest.raises(SearchUnavailable) as told:
            await library.ask("frogs", mode=mode)
        assert (told.value.status, told.value.code) == (503, "search_unavailable")
        assert told.value.retryable
        assert told.value.retry_after
    assert await library.texts("frogs", mode="lexical") == [FROG]


async def test_a_model_that_is_gone_is_told_and_the_rest_is_searched(library):
    theirs = new_id()
    library.shelf.by_parent = {theirs: "gone/model"}
    library.shelf.open = [theirs]
    await library.put(FROG, parent_id=theirs, embed=False)
    findings = await library.ask("frogs")
    assert [each.passage.text for each in findings.found] == [FROG]
    assert [each.code for each in findings.warnings] == ["embedding_model_unknown"]
    assert "gone/model" in findings.warnings[0].detail


async def test_filters_leave_only_what_they_name(library):
    here, there = new_id(), new_id()
    library.shelf.open = [here, there]
    one = await library.put("A frog here.", parent_id=here)
    two = await library.put("A frog there.", parent_id=there)
    await library.put(Draft("Un frog ici.", language="fr"), parent_id=there)

    async def ask(**given):
        return sorted(await library.texts("frog", filters=Filters(**given)))

    assert await ask(parents={"document": (here,)}) == ["A frog here."]
    assert await ask(subjects={"document": (two,)}) == ["A frog there."]
    assert await ask(parents={"document": (here,)}, subjects={"document": (two,)}) == []
    assert await ask(languages=("fr",)) == ["Un frog ici."]
    assert await ask(kinds=frozenset({"entry"})) == []
    assert await ask(parents={"entry": (here,)}) == []
    assert await ask(until=now() - timedelta(hours=1)) == []
    assert len(await ask(since=now() - timedelta(hours=1))) == 3
    assert one != two


async def test_a_filter_never_widens_the_reach(library):
    here, secret = new_id(), new_id()
    library.shelf.open = [here]
    await library.put("A frog here.", parent_id=here)
    hidden = await library.put("A secret frog.", parent_id=secret)
    for filters in (
        Filters(parents={"document": (secret,)}),
        Filters(subjects={"document": (hidden,)}),
        Filters(parents={"document": (secret, here)}, subjects={"document": (hidden,)}),
    ):
        for mode in ("hybrid", "lexical", "semantic"):
            assert await library.texts("frog", filters=filters, mode=mode) == []


async def test_the_second_wall_stands_where_the_first_was_passed(library):
    seen = await library.put("A frog that is seen.")
    hidden = await library.put("A frog that is hidden.")
    library.shelf.hidden = {hidden}
    assert await library.texts("frog") == ["A frog that is seen."]
    assert seen


async def test_a_vector_that_lags_behind_opens_nothing(library, kernel):
    """The passage has moved to a collection out of reach; its vector still says the old one."""
    here = new_id()
    library.shelf.open = [here]
    await library.put(FROG, parent_id=here)
    async with kernel.database.unit(library.access.scope) as session:
        await session.execute(
            update(Passage)
            .where(Passage.workspace_id == library.access.workspace_id)
            .values(parent_id=new_id())
        )
    assert await library.texts("frog") == []


async def test_a_text_that_stands_twice_is_shown_once(library):
    await library.put(FROG, CAKE)
    await library.put(FROG)
    assert (await library.texts("frogs")).count(FROG) == 1


async def test_a_document_can_be_held_to_few_of_its_passages(library):
    await library.put(*(f"Frog number {number}." for number in range(5)))
    await library.put("One more frog.")
    found = (await library.ask("frog", per_subject=2)).found
    assert len(found) == 3


async def test_the_best_fragment_has_ranges_in_code_points(library):
    text = "🐸 " + "Nothing of interest. " * 40 + "The 🐸 frogs were eating <b>flies</b>."
    await library.put(text)
    fragment = (await library.ask("frog eats flies", mode="lexical")).found[0].fragment
    assert text[fragment.start : fragment.end] == fragment.text
    marked = [text[each.start : each.end] for each in fragment.ranges]
    assert marked == ["frogs", "eating", "flies"]


async def test_what_ingest_and_delete_leaves_is_what_was_before(library):
    await library.put(FROG, RIVER)
    questions = ("frog", "water", "mountains and lakes", "cake")

    async def all_found():
        return [
            [(each.passage.id, round(each.score, 9)) for each in (await library.ask(q)).found]
            for q in questions
        ]

    before = await all_found()
    added = await library.put(CAKE, "Frogs in the water of mountain lakes.")
    assert await all_found() != before
    await library.remove(added)
    assert await all_found() == before


async def test_no_other_workspace_is_searched(app, client, library):
    other = await new_library(app, client)
    theirs = await other.put(FROG)
    for mode in ("hybrid", "lexical", "semantic"):
        assert await library.texts("frogs in ponds", mode=mode) == []
        found = Filters(subjects={"document": (theirs,)})
        assert await library.texts("frogs", mode=mode, filters=found) == []
    assert await other.texts("frogs") == [FROG]
