"""Whole entries from elsewhere: made, replaced, or found to be as they should be."""

from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from app.core.auth import Access, Permission
from app.knowledge.dictionary import store
from app.knowledge.dictionary.draft import Definition, EntryDraft, RelationDraft, TermDraft
from app.knowledge.dictionary.errors import DictionaryNotFound, EntryInvalid

DRAFT = EntryDraft(
    terms=(TermDraft("en", "cell", "preferred"),),
    definitions=(Definition("en", "The unit of life."),),
    external_id="bio-1",
    status="approved",
)


def access_of(keeper, *more):
    rights = {Permission.DICTIONARY_READ, Permission.DICTIONARY_WRITE, *more}
    person = keeper.person
    return Access(
        UUID(person.workspace_id), UUID(person.user_id), frozenset(rights), "session", uuid4()
    )


@pytest.fixture
def upsert(keeper, kernel):
    async def act(draft, *rights, **more):
        access = access_of(keeper, *rights)
        async with kernel.database.unit(access.scope) as session:
            return await store.upsert_entry(
                session, access, UUID(keeper.dictionary_id), draft, **more
            )

    return act


async def test_a_draft_is_made_once_and_then_only_changed_where_it_differs(upsert, keeper):
    approver = Permission.DICTIONARY_APPROVE
    made = await upsert(DRAFT, approver)
    assert (made.outcome, made.concept.entry.status) == ("created", "approved")
    assert (await upsert(DRAFT, approver)).outcome == "unchanged"
    changed = await upsert(replace(DRAFT, notes=("New.",)), approver)
    assert (changed.outcome, changed.concept.id) == ("updated", made.concept.id)
    history = await keeper.done("GET", f"{keeper.entries}/{made.concept.id}/revisions")
    assert [each["action"] for each in history["data"]] == ["imported", "imported"]


async def test_who_may_not_approve_imports_proposals(upsert):
    made = await upsert(DRAFT)
    assert made.concept.entry.status == "proposed"
    assert (await upsert(DRAFT)).outcome == "unchanged"
    await upsert(DRAFT, Permission.DICTIONARY_APPROVE)
    assert (await upsert(DRAFT)).concept.entry.status == "approved"


async def test_relations_and_labels_that_a_draft_leaves_open_stay(upsert, keeper):
    wide = await keeper.add(term_of("unit"))
    relation = RelationDraft("broader", UUID(wide["id"]))
    made = await upsert(replace(DRAFT, relations=(relation,), labels={"team": "lab"}))
    again = await upsert(replace(DRAFT, notes=("New.",)))
    shown = await keeper.show(str(again.concept.id))
    assert shown["relations"][0]["target_id"] == wide["id"]
    assert (shown["metadata"], shown["id"]) == ({"team": "lab"}, str(made.concept.id))
    none = await upsert(replace(DRAFT, relations=()))
    assert list(none.concept.relations) == []


async def test_a_deleted_entry_that_is_named_comes_back(upsert, keeper):
    made = await upsert(DRAFT)
    await keeper.ask("DELETE", f"{keeper.entries}/{made.concept.id}")
    back = await upsert(DRAFT, entry_id=made.concept.id)
    assert (back.outcome, back.concept.entry.deleted_at) == ("updated", None)


async def test_what_is_wrong_is_named_where_it_stands(upsert, keeper, kernel):
    wrong = replace(
        DRAFT, terms=(TermDraft("en", "a", "preferred"), TermDraft("not a tag", "b\x07"))
    )
    with pytest.raises(EntryInvalid) as refused:
        await upsert(wrong, at="/rows/7")
    assert {error.pointer for error in refused.value.errors} == {
        "/rows/7/terms/1/language", "/rows/7/terms/1/text",
    }  # fmt: skip
    access = access_of(keeper)
    with pytest.raises(DictionaryNotFound):
        async with kernel.database.unit(access.scope) as session:
            await store.upsert_entry(session, access, uuid4(), DRAFT)


def term_of(text):
    return {"language": "en", "text": text}
