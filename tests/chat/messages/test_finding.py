"""Messages come to be found beside the turns, by those who may read them and nobody else."""

from uuid import UUID

from sqlalchemy import delete

from app.chat.conversations.models import Conversation
from app.chat.messages.finding import KIND, MessageSource, finding_job, pieces
from app.core.auth import Access, Permission
from app.core.db import SYSTEM, Scope
from app.core.ids import new_id
from app.knowledge.passages.models import Passage
from tests.support.identity import new_person
from tests.support.openapi import QUICK


async def texts(kernel, talker):
    """The passages of a person's workspace, after the job has run."""
    await finding_job(kernel).run()
    workspace_id = UUID(talker.person.workspace_id)
    async with kernel.database.unit(Scope(workspace_id)) as session:
        statement = Passage.__table__.select().where(Passage.workspace_id == workspace_id)
        return {row.text: row for row in await session.execute(statement)}


def access_of(person, *permissions):
    return Access(
        UUID(person.workspace_id),
        UUID(person.user_id),
        frozenset(permissions or (Permission.CONVERSATIONS_READ,)),
        "session",
        new_id(),
    )


async def test_questions_and_answers_are_found_as_the_persons_own(talker, kernel):
    turn = await talker.ask("Where do newts live?", model=QUICK)
    found = await texts(kernel, talker)
    question = found["Where do newts live?"]
    assert question.kind == KIND
    assert str(question.parent_id) == turn["conversation_id"]
    assert str(question.user_id) == talker.person.user_id
    assert question.locator == {"role": "user"}
    assert turn["message"]["text"].strip() in found


async def test_a_deleted_conversation_is_not_found_until_it_is_restored(talker, kernel):
    turn = await talker.ask("Where do newts live?", model=QUICK)
    assert await texts(kernel, talker)
    path = f"/v1/conversations/{turn['conversation_id']}"
    assert (await talker.call("DELETE", path)).status_code == 204
    assert await texts(kernel, talker) == {}
    assert (await talker.call("POST", path + "/restore")).status_code == 200
    assert "Where do newts live?" in await texts(kernel, talker)


async def test_a_message_that_is_gone_for_good_is_not_found(talker, kernel):
    turn = await talker.ask("Where do newts live?", model=QUICK)
    assert await texts(kernel, talker)
    async with kernel.database.unit(SYSTEM) as session:
        gone = Conversation.id == UUID(turn["conversation_id"])
        await session.execute(delete(Conversation).where(gone))
    assert await texts(kernel, talker) == {}


async def test_only_who_may_read_a_conversation_sees_its_messages(talker, kernel, client):
    turn = await talker.ask("Where do newts live?", model=QUICK)
    message_id = UUID(turn["message"]["id"])
    stranger = await new_person(client)
    source = MessageSource()
    async with kernel.database.unit(SYSTEM) as session:
        mine = access_of(talker.person)
        assert await source.visible(session, mine, [message_id]) == {message_id}
        assert await source.visible(session, access_of(stranger), [message_id]) == set()
        assert (await source.reach(session, mine)).owner == mine.user_id
        no_reader = access_of(talker.person, Permission.RUNS_READ)
        assert await source.reach(session, no_reader) is None
        await talker.call("DELETE", f"/v1/conversations/{turn['conversation_id']}")
    async with kernel.database.unit(SYSTEM) as session:
        assert await source.visible(session, mine, [message_id]) == set()


def test_a_long_text_is_cut_where_sentences_end():
    text = "A sentence of some words. " * 200 + "x" * 3000
    cut = pieces(text)
    assert all(0 < len(piece) <= 1000 for piece in cut)
    assert "".join("".join(cut).split()) == "".join(text.split())
    assert cut[0].endswith(".")
