"""How concepts stand to each other: said once, seen from both, and never in a ring."""

import asyncio

from tests.knowledge.dictionary.conftest import term


def to(entry, kind="broader"):
    return {"kind": kind, "target_id": entry["id"], "target_uri": None}


async def relate(keeper, entry, *relations):
    answer = await keeper.ask(
        "PATCH", f"{keeper.entries}/{entry['id']}", {"relations": list(relations)}
    )
    return answer.status_code, (answer.json().get("errors") or [{"code": ""}])[0]["code"]


async def test_a_concept_is_never_wider_than_itself(keeper):
    a, b, c, d = [await keeper.add(term(name)) for name in "abcd"]
    fine, ring = (200, ""), (422, "relation_cycle")
    assert await relate(keeper, a, to(b)) == fine
    assert await relate(keeper, c, to(b, "narrower")) == fine  # b is below c
    assert await relate(keeper, c, to(b, "narrower"), to(a)) == ring
    assert await relate(keeper, b, to(a)) == ring
    assert await relate(keeper, d, to(a), to(c, "narrower")) == ring  # c, a, b, c
    assert await relate(keeper, d, to(c), to(a, "narrower")) == fine
    assert await relate(keeper, b, to(c)) == fine  # what c says already
    assert await relate(keeper, d, to(c), to(c, "narrower")) == ring
    assert await relate(keeper, a) == fine
    assert await relate(keeper, b, to(c), to(a)) == fine


async def test_two_who_close_a_ring_at_once_do_not_both_succeed(keeper):
    a, b = await keeper.add(term("a")), await keeper.add(term("b"))
    done = await asyncio.gather(relate(keeper, a, to(b)), relate(keeper, b, to(a)))
    assert sorted(status for status, _ in done) == [200, 422]


async def test_each_kind_shows_its_inverse(keeper):
    one, other = await keeper.add(term("one")), await keeper.add(term("other"))
    for kind, inverse in (
        ("broader", "narrower"), ("narrower", "broader"), ("related", "related"),
        ("same_as", "same_as"),
    ):  # fmt: skip
        await keeper.change(one["id"], relations=[to(other, kind)])
        shown = (await keeper.show(other["id"]))["inverse_relations"]
        assert shown == [{"kind": inverse, "entry_id": one["id"]}]


async def test_a_deleted_concept_is_related_to_nothing_that_is_shown(keeper):
    one, other = await keeper.add(term("one")), await keeper.add(term("other"))
    related = await keeper.change(one["id"], relations=[to(other, "related")])
    for gone, left in ((other, one), (one, other)):
        await keeper.ask("DELETE", f"{keeper.entries}/{gone['id']}")
        shown = await keeper.show(left["id"])
        assert (shown["relations"], shown["inverse_relations"]) == ([], [])
        await keeper.do(gone["id"], "restore")
    shown = await keeper.show(one["id"])
    assert shown["relations"] == related["relations"]


async def test_what_others_declare_of_a_concept_is_shown_up_to_a_bound(keeper, monkeypatch):
    top = await keeper.add(term("top"))
    for name in "abc":
        await keeper.add(term(name), relations=[to(top)])
    monkeypatch.setattr("app.knowledge.dictionary.entries.crud.MOST_RELATIONS", 2)
    assert len((await keeper.show(top["id"]))["inverse_relations"]) == 2
