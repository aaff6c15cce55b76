"""Conversations: change, search, delete, restore, in bulk."""

from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy import insert, select, text, update

from app.chat.conversations import crud
from app.chat.conversations.models import Conversation
from app.chat.messages.models import Message
from app.core.clock import now
from app.core.db import SYSTEM, Scope
from app.core.ids import new_id
from app.core.purging import purging_job
from app.knowledge.evaluations.models import QuestionSet

QUICK = "demo/chat?tokens=4&delay_ms=0"


async def make(talker, **body):
    answer = await talker.call("POST", "/v1/conversations", json=body)
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/v1/conversations/{answer.json()['id']}"
    return answer.json()


async def listed(talker, **query):
    answer = await talker.call("GET", "/v1/conversations", params=query)
    assert answer.status_code == 200, answer.text
    return [conversation["id"] for conversation in answer.json()["data"]]


async def test_a_conversation_is_made_and_changed_field_by_field(talker):
    made = await make(talker, title="Plans", metadata={"team": "blue"}, instructions="Be kind.")
    path = f"/v1/conversations/{made['id']}"
    changed = (await talker.call("PATCH", path, json={"title": "Other plans"})).json()
    assert changed["title"] == "Other plans"
    assert (changed["metadata"], changed["instructions"]) == ({"team": "blue"}, "Be kind.")
    changed = (await talker.call("PATCH", path, json={"metadata": {}, "model": "demo/chat"})).json()
    assert (changed["metadata"], changed["model"]) == ({}, "demo/chat")


async def test_search_finds_words_in_titles_and_in_messages(talker):
    titled = await make(talker, title="Sailing in Brittany")
    said = await talker.ask("Tell me about lighthouses", model=QUICK)
    assert await listed(talker, q="brittany") == [titled["id"]]
    assert await listed(talker, q="lighthouses") == [said["conversation_id"]]
    assert await listed(talker, q="submarines") == []
    assert await listed(talker, q='"; drop table users --') == []


async def test_search_finds_what_is_written_without_spaces(talker):
    titled = await make(talker, title="東京と大阪への旅行")
    said = await talker.ask("ประเทศไทยอยู่ในเอเชีย by train", model=QUICK)
    for q in ("大阪", "旅行", '"大阪への"', "東京 旅行", "東京 -京都", '東京 "'):
        assert await listed(talker, q=q) == [titled["id"]], q
    for q in ("ไทย", "ไทย train", "เอเชีย -東京"):
        assert await listed(talker, q=q) == [said["conversation_id"]], q
    for q in ("京都", "東京 -大阪", "東京 ไทย", "ไทย bus", "ไทย -train"):
        assert await listed(talker, q=q) == [], q


async def test_search_knows_no_accents_and_no_typographic_marks(talker):
    titled = await make(talker, title="L’électricité – à Łódź")  # noqa: RUF001
    said = await talker.ask("Die „Größe“ der Straße, naïf", model=QUICK)
    for q in ("electricite", "ÉLECTRICITÉ", "l'électricité", "lodz", "“électricité à”"):
        assert await listed(talker, q=q) == [titled["id"]], q
    for q in ("große straße", '"naif"', "große -electricite"):
        assert await listed(talker, q=q) == [said["conversation_id"]], q
    for q in ("electricite -LODZ", '"straße große"'):
        assert await listed(talker, q=q) == [], q


async def test_search_looks_up_the_messages_of_each_conversation(talker, kernel):
    """With many conversations Postgres would else read the messages of everybody once."""
    workspace_id, user_id = UUID(talker.person.workspace_id), UUID(talker.person.user_id)
    many = [
        {"id": new_id(), "workspace_id": workspace_id, "user_id": user_id, "last_active_at": now()}
        for _ in range(3000)
    ]
    looked = select(Conversation.id).where(crud._mentions("lighthouses"))
    dialect = kernel.database.engine.dialect
    said = looked.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
    async with kernel.database.unit(Scope(workspace_id, user_id)) as session:
        await session.execute(insert(Conversation), many)
        plan = "\n".join((await session.scalars(text(f"explain {said}"))).all())
        await session.rollback()
    assert "Scan on messages" in plan or "ix_messages_tree on messages" in plan
    assert "hashed" not in plan


async def test_pages_follow_each_other_without_a_gap(talker):
    made = [(await make(talker))["id"] for _ in range(5)]
    first = (await talker.call("GET", "/v1/conversations", params={"limit": 2})).json()
    ids, cursor = [c["id"] for c in first["data"]], first["next_cursor"]
    while cursor:
        page = (
            await talker.call("GET", "/v1/conversations", params={"limit": 2, "cursor": cursor})
        ).json()
        ids += [c["id"] for c in page["data"]]
        cursor = page["next_cursor"]
    assert ids == made[::-1]


async def test_a_deleted_conversation_is_gone_until_restored(talker):
    turn = await talker.ask("Hello", model=QUICK)
    path = f"/v1/conversations/{turn['conversation_id']}"
    assert (await talker.call("DELETE", path)).status_code == 204
    for method, there in [
        ("GET", path),
        ("PATCH", path),
        ("DELETE", path),
        ("GET", f"{path}/messages"),
        ("POST", f"{path}/turns"),
    ]:
        body = {"json": {"content": "x"} if "turns" in there else {}} if method != "GET" else {}
        answer = await talker.call(method, there, **body)
        assert (answer.status_code, answer.json()["code"]) == (404, "conversation_not_found")
    assert await listed(talker) == []
    assert await listed(talker, deleted=True) == [turn["conversation_id"]]
    restored = await talker.call("POST", f"{path}/restore")
    assert restored.json()["deleted_at"] is None
    assert len(await talker.messages(turn["conversation_id"])) == 2


async def test_after_thirty_days_it_cannot_be_restored(talker, kernel):
    made = await make(talker)
    path = f"/v1/conversations/{made['id']}"
    await talker.call("DELETE", path)
    async with kernel.database.unit(SYSTEM) as session:
        await session.execute(
            update(Conversation)
            .where(Conversation.id == UUID(made["id"]))
            .values(deleted_at=now() - timedelta(days=31))
        )
    answer = await talker.call("POST", f"{path}/restore")
    assert (answer.status_code, answer.json()["code"]) == (410, "restore_expired")


async def test_it_is_gone_for_good_once_it_cannot_be_restored(talker, kernel):
    asked = [(await talker.ask("Hello", model=QUICK))["conversation_id"] for _ in range(3)]
    for conversation_id, days in zip(asked, (29, 31), strict=False):
        await talker.call("DELETE", f"/v1/conversations/{conversation_id}")
        async with kernel.database.unit(SYSTEM) as session:
            (await session.get(Conversation, UUID(conversation_id))).deleted_at = now() - timedelta(
                days=days
            )
    await purging_job(kernel.database, QuestionSet, Conversation).run()
    async with kernel.database.unit(SYSTEM) as session:
        of_them = Message.conversation_id.in_([UUID(each) for each in asked])
        left = await session.scalars(select(Message.conversation_id).where(of_them).distinct())
        assert {str(each) for each in left} == {asked[0], asked[2]}
    assert (await talker.call("POST", f"/v1/conversations/{asked[0]}/restore")).status_code == 200


async def test_bulk_answers_item_by_item(talker):
    one, two = (await make(talker))["id"], (await make(talker))["id"]
    nobody = str(uuid4())
    items = [{"action": "delete", "id": i} for i in (one, nobody, two)]
    answer = await talker.call("POST", "/v1/conversations/bulk", json={"items": items})
    assert [(o["id"], o["ok"]) for o in answer.json()["data"]] == [
        (one, True),
        (nobody, False),
        (two, True),
    ]
    assert answer.json()["data"][1]["error"]["code"] == "conversation_not_found"
    assert await listed(talker) == []
    items = [{"action": "restore", "id": one}]
    await talker.call("POST", "/v1/conversations/bulk", json={"items": items})
    assert await listed(talker) == [one]
    too_many = [{"action": "delete", "id": one}] * 501
    answer = await talker.call("POST", "/v1/conversations/bulk", json={"items": too_many})
    assert answer.status_code == 422
